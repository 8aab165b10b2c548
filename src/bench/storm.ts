import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { type AgentProcess, agentFolder, startAgentProcess } from "../../test/support/agent-process.ts";
import { type ChatPostRow, type ChatUser, seedChatTeam } from "../../test/support/chat-team.ts";
import { startMattermost } from "../../test/support/mattermost.ts";
import { markerOf } from "../harness/chat/marker.ts";
import { startRehearsal } from "../rehearsal/model-server.ts";
import { startFaultProxy } from "../rehearsal/proxy.ts";
import { scriptSchema } from "../rehearsal/script.ts";
import { channels, people, type StormSize, stormPlan } from "./storm-plan.ts";

export interface StormResult {
  /** Mentions that were written, and that have their answer. */
  readonly mentions: number;
  readonly answers: number;
  readonly lost: number;
  /** Answers beyond the first of a mention. */
  readonly doubled: number;
  /** Answers before that of an older mention of their thread. */
  readonly disordered: number;
  /** From mention to acknowledgement and to answer, ms; of those that were not written while the agent was meant to be down. */
  readonly acks: readonly number[];
  readonly answered: readonly number[];
}

type SeenPost = ChatPostRow & { metadata?: { reactions?: { user_id: string; create_at: number }[] } };

interface Written {
  readonly id: string;
  readonly number: number;
  readonly rootId: string;
  readonly at: number;
  readonly whileDown: boolean;
}

/** Without a new answer for so long, what is missing counts as lost. */
const patienceMs = 90_000;
const script = scriptSchema.parse({ answers: [{ match: "this is mention (\\d+)\\.", reply: "Answer $1." }] });

/**
 * People mention one agent over and over, in a real Mattermost, while connections are cut, the agent is killed, the server restarted
 * and the agent down for `downMs`. All on 127.0.0.1; everything is removed again.
 */
export async function storm(
  seed: number,
  size: StormSize,
  downMs: number,
  options: { readonly signal: AbortSignal; readonly progress: (text: string) => void },
): Promise<StormResult> {
  const root = mkdtempSync(join(tmpdir(), "olympus-storm-"));
  const ends: (() => unknown)[] = [() => rmSync(root, { recursive: true, force: true })];
  try {
    const mattermost = await startMattermost();
    ends.push(() => mattermost.stop());
    const team = await seedChatTeam(mattermost.url);
    const model = await startRehearsal({ script });
    ends.push(() => model.close());
    const proxy = await startFaultProxy(mattermost);
    ends.push(() => proxy.close());
    const athena = team.bots.athena!;
    const persons: ChatUser[] = [team.people.alice, team.people.bob];
    for (let n = persons.length; n < people; n++) persons.push(await team.addPerson(`person${n}`));
    const rooms: string[] = [];
    for (let n = 0; n < channels; n++) rooms.push(await team.addChannel(`room${n}`, [...persons, athena]));
    const direct = await Promise.all(persons.map((person) => team.directChannel(person, athena)));
    const folder = await agentFolder(join(root, "athena"), team, model.url, (config) => ({
      ...config,
      chat: {
        ...config.chat,
        url: `http://127.0.0.1:${proxy.port}`,
        people: persons.map(({ id, name }) => ({ id, name, command: true })),
      },
      budget: { run: 1, day: 1000 },
    }));
    let agent: AgentProcess = await startAgentProcess(folder);
    ends.push(() => agent.stop("SIGKILL"));
    const start = () => {
      coming = startAgentProcess(folder, "healthz").then((process) => {
        agent = process;
      });
      // Whoever waits for it gets the error; until then nobody does.
      coming.catch(() => undefined);
    };
    // Mentions are written meanwhile; the next fault waits for it.
    let coming: Promise<void> = Promise.resolve();
    const wishes = {
      cut: async () => proxy.cut(),
      kill: async () => {
        await coming;
        await agent.stop("SIGKILL");
        start();
      },
      restart: () => mattermost.restart(),
      down: async () => {
        await coming;
        await agent.stop("SIGKILL");
      },
      up: async () => {
        await wait(downMs, undefined, { signal: options.signal });
        start();
      },
    };

    const plan = stormPlan(seed, size);
    const written: Written[] = [];
    let down = false;
    for (const [number, { person, channel, thread, pause, faults }] of plan.entries()) {
      options.signal.throwIfAborted();
      for (const fault of faults) {
        await wishes[fault]();
        if (fault === "down" || fault === "up") down = fault === "down";
      }
      await wait(pause);
      const text = `${channel === undefined ? "" : "@athena "}this is mention ${number}.`;
      const place = channel === undefined ? direct[person]! : rooms[channel]!;
      const root_id = thread === undefined ? "" : written[thread]!.id;
      const post = await team.say(persons[person]!, place, text, root_id);
      written.push({ id: post.id, number, rootId: root_id || post.id, at: post.create_at, whileDown: down });
      if (number % 100 === 99) options.progress(`${number + 1} written`);
    }
    await coming;

    // Everything that is in the channels, until all is answered or nothing comes any more.
    const everywhere = [...rooms, ...direct];
    let posts: SeenPost[] = [];
    let best = 0;
    for (let since = Date.now(); Date.now() - since < patienceMs; ) {
      options.signal.throwIfAborted();
      posts = (await Promise.all(everywhere.map((id) => postsOf(id)))).flat();
      const count = countIn(posts, written, athena.id).answers;
      options.progress(`${count} of ${written.length} answered`);
      if (count > best) {
        best = count;
        since = Date.now();
      }
      if (count === written.length) break;
      await wait(1000, undefined, { signal: options.signal });
    }
    // Whatever would be answered twice has been by when a later mention of each channel is.
    for (const [index, place] of everywhere.entries()) {
      const person = index < rooms.length ? persons[0]! : persons[index - rooms.length]!;
      const last = await team.say(person, place, `@athena this is mention ${plan.length + index}.`);
      await team.answers(last.id, athena, 1, 60);
    }
    posts = (await Promise.all(everywhere.map((id) => postsOf(id)))).flat();
    return countIn(posts, written, athena.id);

    async function postsOf(channel: string): Promise<SeenPost[]> {
      const found: SeenPost[] = [];
      for (let page = 0; ; page++) {
        const path = `/channels/${channel}/posts?per_page=200&page=${page}`;
        const list = await team.api<{ order: string[]; posts: Record<string, SeenPost> }>(team.admin, "GET", path);
        found.push(...list.order.map((id) => list.posts[id]!));
        if (list.order.length < 200) return found;
      }
    }
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** What came of the mentions, by what stands in the chat. */
function countIn(posts: readonly SeenPost[], written: readonly Written[], agent: string): StormResult {
  const byId = new Map(posts.map((post) => [post.id, post]));
  const given = new Map<string, SeenPost[]>();
  for (const post of posts) {
    const marker = post.user_id === agent ? markerOf(post.props) : undefined;
    if (marker !== undefined) given.set(marker.source, [...(given.get(marker.source) ?? []), post]);
  }
  let answers = 0;
  let doubled = 0;
  let disordered = 0;
  const acks: number[] = [];
  const answered: number[] = [];
  const newest = new Map<string, number>();
  for (const { id, number, rootId, at, whileDown } of [...written].sort((a, b) => a.at - b.at)) {
    const mine = given.get(id) ?? [];
    const good = mine.filter(({ message, root_id }) => message === `Answer ${number}.` && root_id === rootId);
    doubled += Math.max(0, mine.length - 1);
    const [first] = good.sort((a, b) => a.create_at - b.create_at);
    if (first === undefined) continue;
    answers++;
    if (first.create_at < (newest.get(rootId) ?? 0)) disordered++;
    newest.set(rootId, Math.max(newest.get(rootId) ?? 0, first.create_at));
    if (whileDown) continue;
    answered.push(first.create_at - at);
    const ack = byId.get(id)?.metadata?.reactions?.find(({ user_id }) => user_id === agent);
    if (ack !== undefined) acks.push(ack.create_at - at);
  }
  return {
    mentions: written.length,
    answers,
    lost: written.length - answers,
    doubled,
    disordered,
    acks,
    answered,
  };
}
