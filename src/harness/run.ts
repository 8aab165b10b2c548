import { maskSecrets } from "../base/secret.ts";
import { acknowledge } from "./acknowledge.ts";
import type { Answer } from "./ask.ts";
import { readAttachments } from "./attachments.ts";
import { audit } from "./audit/audit.ts";
import { calledInChat, peopleInChat } from "./called.ts";
import { untilAnswered } from "./chat/patient.ts";
import { type Chat, type ChatPost, type NewPost, notAttached, wholeThread } from "./chat-port.ts";
import { type Control, obey } from "./commands.ts";
import type { AgentConfig } from "./config.ts";
import { deliver, postsAround } from "./deliver.ts";
import { type Doers, type ForgeDesk, type ForgeKind, type ForgePayload, isForgeKind } from "./forge-work.ts";
import { guardOf } from "./gates/destructive.ts";
import { sensitiveTools } from "./gates/sensitive.ts";
import { withoutSecrets } from "./guarded-chat.ts";
import { hear } from "./hear.ts";
import { asItSaysNow, dashboardSource, hopsEntry, type PostPayload } from "./intake.ts";
import type { Log } from "./log.ts";
import { type ConverseParts, converse } from "./loop/converse.ts";
import { answerMemory, memoryWish, withMemory } from "./memory.ts";
import { noticeOf } from "./notices.ts";
import { type Outgoing, readOutgoing } from "./outgoing.ts";
import { Progress } from "./progress.ts";
import { progressPart } from "./progress-part.ts";
import { scheduledMessage, systemPrompt, threadMessages } from "./prompt.ts";
import { attachFolder, workspacesOf } from "./sandbox/workspace.ts";
import { splitPost } from "./split.ts";
import { settleHeard } from "./store/heard.ts";
import type { NoticeKind } from "./store/inbox.ts";
import { handOver, outcomeOf } from "./store/outbox.ts";
import { finish, type OpenRun, runIdOf } from "./store/runs.ts";
import { recordStep } from "./store/steps.ts";
import { showTyping } from "./typing.ts";
import { withoutBroadcast } from "./visible.ts";

export interface RunParts extends ConverseParts {
  readonly chat: Chat;
  readonly log: Log;
  readonly control: Control;
  /** Of agents with repositories. */
  readonly doers?: Doers;
  readonly desk?: ForgeDesk;
}

/** A run that was begun this often and never got to its answer brings the process down: it is not begun again. */
const mostStarts = 8;

/** What this process knows of a run and the store may not know yet. Kept over tries: a model is not paid twice for one answer. */
export interface Carried {
  answer?: Answer | undefined;
}

/**
 * Carries one run from where its journal stands to its end. May be called again for the same run after a crash at any point.
 * `onAnswered` tells that only delivery is left, which needs none of the slots for work. Throws only when aborted or when the store fails.
 */
export async function execute(
  parts: RunParts,
  run: OpenRun,
  carried: Carried,
  signal: AbortSignal,
  onAnswered: () => void,
): Promise<void> {
  const { store, clock } = parts;
  const post = JSON.parse(run.payload) as PostPayload;
  if (run.state === "running") {
    // Asked first: between an answer and the outbox stands nothing but the store. Work on the forge does not wait for the chat.
    const limit = isForgeKind(run.kind) ? everyPost : await untilAnswered(parts, signal, () => parts.chat.maxPost());
    carried.answer ??= run.starts > mostStarts ? gaveUp : await answerOf(parts, run, post, signal);
    const outgoing = await outgoingOf(parts, run);
    // Stopped while the answer came: from here to the outbox nothing waits.
    signal.throwIfAborted();
    if (carried.answer === undefined) return finish(store, run, "done", "already answered", clock.now());
    const { text, outcome, settle } = carried.answer;
    store.transaction(() => {
      settleHeard(store, run);
      settle?.();
      handOver(
        store,
        run,
        text === "" || post.channelId === "" ? [] : posts(run, post, cleared(parts, run, text), limit, outgoing),
        cleared(parts, run, outcome),
        clock.now(),
      );
    });
  }
  onAnswered();
  const refused = await deliver(parts, run, signal);
  signal.throwIfAborted();
  const outcome = outcomeOf(store, run.id);
  if (refused !== undefined) return finish(store, run, "failed", `not delivered: ${refused}`, clock.now());
  const good = outcome === "answered" || outcome === run.kind || outcome.startsWith("done");
  finish(store, run, good ? "done" : "failed", outcome, clock.now());
}

/** Characters that every server takes in a post. */
const everyPost = 4000;

function answerOf(parts: RunParts, run: OpenRun, post: PostPayload, signal: AbortSignal): Promise<Answer | undefined> {
  if (run.kind === "mention") return answerMention(parts, run, post, signal);
  if (run.kind === "schedule") return doScheduled(parts, run, post, signal);
  if (run.kind === "command") return doCommand(parts, run, post, signal);
  if (isForgeKind(run.kind)) return onForge(parts, run, run.kind, post as ForgePayload, signal);
  return notify(parts, run, run.kind, post, signal);
}

async function onForge(parts: RunParts, run: OpenRun, kind: ForgeKind, payload: ForgePayload, signal: AbortSignal) {
  const doer = parts.doers?.[kind];
  if (doer === undefined) return { text: "", outcome: "not one of my duties" };
  const answer = await doer(run, payload, signal);
  return { ...answer, text: await calledInChat(parts, answer.text) };
}

const gaveUp = {
  text: "I failed at this several times in a row and will not try again by myself. My log says more.",
  outcome: "gave up",
};

/** Undefined when the thread shows that the mention was answered before: the database was lost, the chat remembers. */
async function answerMention(parts: RunParts, run: OpenRun, taken: PostPayload, signal: AbortSignal) {
  const { config, store, clock } = parts;
  const began = clock.now();
  const askedIn = taken.first ?? taken.id;
  const [, thread] = await Promise.all([
    // Asked for on the dashboard, it has no post of its own.
    acknowledge(parts, run, run.source === dashboardSource ? askedIn : taken.id),
    threadWith(parts, taken, askedIn, signal),
  ]);
  if (alreadySaid(config, run, taken, thread)) return undefined;
  const asked = thread.find(({ id }) => id === askedIn);
  if (asked === undefined && thread.length < wholeThread) {
    const text = taken.first === undefined ? "" : "That was deleted: I do not do it again.";
    return { text, outcome: "failed: it was deleted" };
  }
  const post = asItSaysNow(config, taken, asked);
  if (post === undefined) return { text: "", outcome: "done: edited, it speaks to others now" };
  if (isStopped(config, post, thread)) return { text: "", outcome: "done: agents have to stop here" };
  const wish = memoryWish(post.text, config.agent);
  if (wish !== undefined) return answerMemory(parts, post, wish);
  const names = await namesOf(parts, thread, post, signal);
  const attached = await untilAnswered(parts, signal, () => readAttachments(parts.chat, asked?.files ?? []));
  const messages = withMemory(parts, threadMessages(config, thread, post, names, attached), post.text);
  recordStep(store, {
    run: run.id,
    kind: "context",
    at: began,
    tookMs: clock.now() - began,
    outcome: "ok",
    detail: `${messages.length} messages`,
  });
  const person = config.chat.people.find(({ id, command }) => id === post.authorId && command)?.name;
  const progress = new Progress(parts, run, post, thread);
  const over = showTyping(parts, post);
  const heard = () => hear(parts, run, post.rootId);
  const ran = (what: string) => progress.step(what);
  const onForge = parts.desk?.chatTools(run.id, post, parts.secrets ?? []) ?? [];
  const tools = [...onForge, ...sensitiveTools(parts, run.id, post)];
  const guard = guardOf(parts, run.id, post);
  const wanted = { run: run.id, system: systemPrompt(config), messages, person, signal, heard, ran, tools, guard };
  return converse(parts, wanted).finally(() => {
    over.abort();
    progress.end();
  });
}

/** A thread that is to hold a post; where it does not, read once more: a server with copies of its database may be behind its own events. */
async function threadWith(parts: RunParts, post: PostPayload, id: string, signal: AbortSignal): Promise<ChatPost[]> {
  const thread = await around(parts, post, signal);
  if (thread.some((one) => one.id === id)) return thread;
  await parts.clock.wait(2000, signal);
  return around(parts, post, signal);
}

/** The posts among which an answer to this one would be. */
const around = (parts: RunParts, post: PostPayload, signal: AbortSignal): Promise<ChatPost[]> =>
  untilAnswered(parts, signal, () => postsAround(parts.chat, post, post.createdAt));

/** What a command does comes first: ending work waits for no server. */
async function doCommand(parts: RunParts, run: OpenRun, post: PostPayload, signal: AbortSignal) {
  const answer = await obey(parts, post);
  if (answer.text === "" || post.channelId === "") return answer;
  return alreadySaid(parts.config, run, post, await around(parts, post, signal)) ? undefined : answer;
}

/** Asks as a person would, with what memory has to it; the answer begins a thread of its own. */
async function doScheduled(parts: RunParts, run: OpenRun, post: PostPayload, signal: AbortSignal) {
  const { config } = parts;
  if (alreadySaid(config, run, post, await around(parts, post, signal))) return undefined;
  const messages = withMemory(parts, [scheduledMessage(config, post)], post.text);
  const guard = guardOf(parts, run.id, post);
  const tools = sensitiveTools(parts, run.id, post);
  const asked = { run: run.id, system: systemPrompt(config), messages, person: undefined, signal, guard, tools };
  return converse(parts, asked);
}

/** Between agents that come to the same end at the same moment: long enough to post, and to be read. */
const turnMs = 2000;

async function notify(parts: RunParts, run: OpenRun, kind: NoticeKind, post: PostPayload, signal: AbortSignal) {
  const { agent, chat } = parts.config;
  // Asked for beforehand: between the look at what was said and the saying nothing may be waited for.
  const people = await peopleInChat(parts);
  // Said by one of them: each leaves those before it by name the time to be the one.
  if (kind === "hops") await parts.clock.wait(chat.agents.filter(({ name }) => name < agent).length * turnMs, signal);
  const thread = await around(parts, post, signal);
  if (alreadySaid(parts.config, run, post, thread)) return undefined;
  return noticeOf({ ...parts.config, chat: { ...chat, people } }, kind, post, thread);
}

/** Whether an agent of the team said that they have to stop, of what this post goes back to. */
function isStopped({ chat }: AgentConfig, { chain }: PostPayload, thread: readonly ChatPost[]): boolean {
  if (chain === undefined) return false;
  const ours = [chat.botId, ...chat.agents.map(({ id }) => id)];
  return thread.some(({ authorId, marker }) => marker?.run === runIdOf(hopsEntry(chain)) && ours.includes(authorId));
}

/** By us; that agents have to stop is said by one of them only. */
function alreadySaid({ chat }: AgentConfig, run: OpenRun, post: PostPayload, thread: readonly ChatPost[]): boolean {
  const sayers = [chat.botId, ...(run.kind === "hops" ? chat.agents.map(({ id }) => id) : [])];
  return thread.some(
    ({ authorId, marker }) =>
      marker?.part !== progressPart &&
      ((authorId === chat.botId && marker?.source === post.id) ||
        (sayers.includes(authorId) && marker?.run === run.id)),
  );
}

async function namesOf(parts: RunParts, thread: readonly ChatPost[], post: PostPayload, signal: AbortSignal) {
  const { people, agents, botId } = parts.config.chat;
  const known = new Set([botId, ...people.map((person) => person.id), ...agents.map((agent) => agent.id)]);
  const unknown = new Set([...thread.map((other) => other.authorId), post.authorId].filter((id) => !known.has(id)));
  return unknown.size === 0
    ? new Map<string, string>()
    : untilAnswered(parts, signal, () => parts.chat.names([...unknown]));
}

/** What is to leave, without secrets; that there were some is noted in the journal. */
function cleared({ store, clock, log, secrets = [] }: RunParts, run: OpenRun, said: string): string {
  const { text, found } = withoutSecrets(said, secrets);
  if (found.length > 0) {
    const detail = found.join(", ");
    recordStep(store, { run: run.id, kind: "secret", at: clock.now(), outcome: "replaced", detail });
    const what = "say a secret";
    audit(store, { kind: "refusal", actor: "model", what, run: run.id, evidence: { secrets: detail } }, clock.now());
    log.error({ run: run.id, secrets: detail }, "an answer held a secret, which was replaced by its name");
  }
  return text;
}

/** Longer answers are a file, with their beginning before it. */
const mostParts = 5;
const beginning = 1500;

/** What the run has put aside for people, where it had a shell. */
async function outgoingOf({ config, secrets = [] }: RunParts, { id }: OpenRun): Promise<Outgoing | undefined> {
  if (config.sandbox === undefined) return undefined;
  return readOutgoing(attachFolder(workspacesOf(config), id), (text) => maskSecrets(text, secrets) !== text);
}

/** A text as posts of at most `limit` characters, in the thread of the mention; files come with the last one. */
export function posts(run: OpenRun, post: PostPayload, text: string, limit: number, outgoing?: Outgoing): NewPost[] {
  const left = outgoing?.left ?? [];
  const said = withoutBroadcast(`${text.trim()}${notAttached(left)}`);
  const split = splitPost(said, limit);
  const { channelId, rootId } = post;
  const at = (part: number) => ({
    channelId,
    rootId,
    marker: { run: run.id, part, source: post.id, hops: post.hops + 1, ...(post.chain && { chain: post.chain }) },
  });
  const files = outgoing?.files ?? [];
  if (split.length <= mostParts)
    return split.map((part, index) => ({
      ...at(index),
      text: part,
      ...(index === split.length - 1 && files.length > 0 && { files }),
    }));
  const [first] = splitPost(said, Math.min(beginning, limit - 100)) as [string];
  const whole = `_The whole answer is in the file, ${[...said].length} characters._`;
  return [{ ...at(0), text: `${first}\n\n${whole}`, files: [{ name: "answer.md", text: said }, ...files] }];
}
