import type { Answer } from "./ask.ts";
import { type CommandName, commandOf } from "./command-names.ts";
import type { AgentConfig } from "./config.ts";
import { namedGate } from "./gates/book.ts";
import { answerGate } from "./gates/chat.ts";
import { gateWord } from "./gates/words.ts";
import { anew, chatSource, type PostPayload } from "./intake.ts";
import { isKnown, receive } from "./store/inbox.ts";
import type { Store } from "./store/open.ts";
import { spentSince } from "./store/steps.ts";
import { newestMention, openIn, type Place, spentIn, workIn } from "./store/work.ts";
import { dayStart } from "./zone.ts";

/** What a command may do to the harness. */
export interface Control {
  /**
   * Ends work of a place that was asked for no later than `until` (server's time, ms), for good. Gives how many pieces of work there were.
   * What `tell` takes in becomes durable together with that, and is taken up once no more is said of the work.
   */
  halt(place: Place, until: number, outcome: string, tell?: () => void): Promise<number>;
  /** One line on connection and tools. */
  health(): string;
}

interface CommandParts {
  readonly config: AgentConfig;
  readonly store: Store;
  readonly clock: { now(): number };
  readonly control: Control;
}

/** Does a command of a person who may, without a model. May be repeated after a crash. */
export async function obey(parts: CommandParts, post: PostPayload): Promise<Answer> {
  const answer = (text: string | undefined): Answer =>
    text === undefined ? { text: "", outcome: "done: nothing to say" } : { text, outcome: "answered" };
  if (post.said !== undefined) return answer(post.said);
  const gate = gateWord(post.text, parts.config.agent) ?? namedGate(parts.store, post.text);
  if (gate !== undefined) return answer(answerGate(parts, post, gate));
  const name = commandOf(post.text, parts.config.agent) ?? "help";
  const inThread = post.rootId !== post.id;
  const place: Place = inThread ? { lane: `${chatSource}:${post.rootId}` } : { channel: post.channelId };
  return answer(await does[name](parts, post, place));
}

/** Gives what is to be said; undefined where the answer is that of the work it began. */
type Doing = (parts: CommandParts, post: PostPayload, place: Place) => Promise<string | undefined>;

const does: Readonly<Record<CommandName, Doing>> = {
  async status({ config, store, clock, control }, _, place) {
    const now = clock.now();
    const { running, waiting } = workIn(store, {});
    const here = openIn(store, place).map(
      ({ since, step }) => `- here: working for ${ago(now - since)}${step === undefined ? "" : `, last ${step}`}`,
    );
    const spent = spentSince(store, dayStart(now, config.timezone)).usd;
    return [
      `${running === 0 ? "I am idle" : `I am working on ${running} ${running === 1 ? "thing" : "things"}`}, ${waiting} waiting.`,
      ...here,
      `- ${control.health()}`,
      `- spent today: ${money(spent)} of ${money(config.budget.day)}`,
    ].join("\n");
  },

  async stop({ config, control }, post, place) {
    const who = config.chat.people.find(({ id }) => id === post.authorId)?.name ?? "a person";
    const count = await control.halt(place, post.createdAt, `stopped by ${who}`);
    const where = place.lane === undefined ? "in this channel" : "in this thread";
    if (count === 0) return `There is nothing to stop ${where}.`;
    return `Stopped: ${count} ${count === 1 ? "piece" : "pieces"} of work ${where}. \`!retry\` begins the last one again.`;
  },

  async retry({ store, clock }, post, place) {
    const sourceId = `retry-${post.id}`;
    if (isKnown(store, chatSource, sourceId)) return undefined;
    const { running, waiting } = workIn(store, place);
    if (running > 0) return "I am still at it. `!stop` ends it.";
    if (waiting > 0) return "It waits already: I take it up as soon as I can. `!stop` ends it.";
    const last = newestMention(store, place);
    if (last === undefined) return "There is nothing here that I could try again.";
    // As if the one who wants it had asked: his rights count, and the answer belongs to his post.
    const { authorId, createdAt } = post;
    const payload = {
      ...anew(last.payload, { id: post.id, authorId, createdAt }),
      first: last.payload.first ?? last.payload.id,
    };
    const { lane } = last;
    receive(
      store,
      { source: chatSource, sourceId, lane, kind: "mention", author: authorId, createdAt, payload },
      clock.now(),
    );
    return undefined;
  },

  async cost({ config, store, clock }, _, place) {
    const today = spentSince(store, dayStart(clock.now(), config.timezone));
    const here = spentIn(store, place);
    const where = place.lane === undefined ? "this channel" : "this thread";
    return [
      `- ${where}: ${money(here.usd)}, ${here.tokens} tokens in ${here.calls} calls`,
      `- today: ${money(today.usd)} of ${money(config.budget.day)}, ${today.tokens} tokens`,
    ].join("\n");
  },

  async help({ config }) {
    return [
      `Mention me with what you want, or write to me directly. These I answer at once, also while I work (\`@${config.agent} !status\`):`,
      "- `!status`: what I am doing",
      "- `!stop`: end my work in this thread, or outside of threads all in this channel",
      "- `!retry`: do the last thing once more",
      "- `!cost`: what this cost, and the day",
      "And I keep what you want kept: `remember: …`, `what do you remember?`, `forget #…`.",
    ].join("\n");
  },
};

function money(usd: number): string {
  return `$${usd.toFixed(usd > 0 && usd < 0.01 ? 4 : 2)}`;
}

function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
