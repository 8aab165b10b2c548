import type { ChatPost } from "./chat-port.ts";
import { commandOf } from "./command-names.ts";
import type { AgentConfig } from "./config.ts";
import { namedGate } from "./gates/book.ts";
import { gateWord } from "./gates/words.ts";
import { mentions } from "./mention.ts";
import { advanceCursor } from "./store/cursors.ts";
import {
  type InboxEntry,
  type InboxKind,
  isKnown,
  mentionsInChain,
  newestByOthers,
  noticedSince,
  receive,
} from "./store/inbox.ts";
import type { Store } from "./store/open.ts";

/** Where inbox rows of the chat come from. */
export const chatSource = "mattermost";
/** And those of the dashboard. */
export const dashboardSource = "dashboard";

/** What of a post goes into the inbox: what a run needs without asking the server again. */
export interface PostPayload {
  readonly id: string;
  readonly channelId: string;
  readonly rootId: string;
  readonly authorId: string;
  readonly text: string;
  readonly createdAt: number;
  readonly direct: boolean;
  /** Agents that answered one another up to this post. */
  readonly hops: number;
  /** Where an agent wrote it, or it is about an agent's work: what it all goes back to. Posts of agents that mark nothing have one as well. */
  readonly chain?: string;
  /** Of a repeated task: the post that asked for it first. */
  readonly first?: string;
  /** Of kind `command`, from the dashboard: what was done already, for its conversation to know. */
  readonly said?: string;
  /** A bot or a webhook wrote it. */
  readonly automatic?: boolean;
  /** No post, but a reaction to this one. */
  readonly reactedTo?: string;
  /** Of kind `late`: how many mentions of the channel are too old, and by whom. */
  readonly missed?: { readonly count: number; readonly authors: readonly string[] };
}

export type Decision = { readonly kind: InboxKind } | { readonly kind: "ignore"; readonly why: string };

/** What a post leads to. The same post gives the same answer live and in backfill. */
export function decide(store: Store, config: Pick<AgentConfig, "agent" | "chat">, post: ChatPost): Decision {
  const { chat } = config;
  if (post.system) return { kind: "ignore", why: "system message" };
  // Also of bots and of this agent itself: that they tried is written down, and they are refused.
  if (gateWord(post.text, config.agent) !== undefined) return { kind: "command" };
  if (post.authorId === chat.botId) return { kind: "ignore", why: "own post" };
  // Agents name gates when they ask for an approval; people who do so in other words mean one.
  const written = !post.automatic && !chat.agents.some((agent) => agent.id === post.authorId);
  if (written && namedGate(store, post.text) !== undefined) return { kind: "command" };
  const explicit = mentions(post.text, config.agent) && post.mentioned !== false;
  if (chat.agents.some((agent) => agent.id === post.authorId)) {
    if (!explicit) return { kind: "ignore", why: "another agent, no mention" };
    return { kind: (post.marker?.hops ?? 0) >= chat.maxHops ? "hops" : "mention" };
  }
  if (post.automatic) return { kind: "ignore", why: "foreign bot or webhook" };
  if (!post.direct && !explicit) return { kind: "ignore", why: "not mentioned" };
  const person = chat.people.find((candidate) => candidate.id === post.authorId);
  if (!person?.command) return { kind: "notice" };
  return { kind: commandOf(post.text, config.agent) === undefined ? "mention" : "command" };
}

/** One notice a person and day is polite; more are noise. */
const noticeEveryMs = 24 * 3600 * 1000;

/**
 * Takes posts in, in the given order, and moves the channel's cursor to `readTo` (server's time), all in one transaction.
 * Gives how many were new work.
 */
export function takeIn(
  store: Store,
  config: Pick<AgentConfig, "agent" | "chat">,
  posts: readonly ChatPost[],
  cursor: { channel: string; readTo: number },
  now: number,
): number {
  const decided = posts
    .map((post) => ({ post, decision: decide(store, config, post) }))
    .filter(({ decision }) => decision.kind !== "ignore");
  return store.transaction(() => {
    let taken = 0;
    for (const { post, decision } of decided) {
      if (decision.kind === "ignore" || isKnown(store, chatSource, post.id)) continue;
      if (decision.kind === "notice" && noticedSince(store, post.authorId, now - noticeEveryMs)) continue;
      const payload = inChain(store, payloadOf(post, config), config);
      const kind = decision.kind === "mention" && hasAnswered(store, config, payload) ? "hops" : decision.kind;
      if (receive(store, entryOf(post, kind, payload), now)) taken++;
    }
    advanceCursor(store, chatSource, cursor.channel, cursor.readTo);
    return taken;
  });
}

/** Whether this agent answered others often enough in what goes back to one post. Many in a thread go on long without many in a row. */
function hasAnswered(store: Store, { chat }: Pick<AgentConfig, "chat">, { chain }: PostPayload): boolean {
  return chain !== undefined && mentionsInChain(store, chain) >= chat.maxHops;
}

/**
 * An agent of another runtime marks nothing: what it writes goes back to what a person last wished in the thread, so that the two of them
 * come to an end as well.
 */
function inChain(store: Store, payload: PostPayload, { chat }: Pick<AgentConfig, "chat">): PostPayload {
  const ids = chat.agents.map(({ id }) => id);
  if (payload.chain !== undefined || !ids.includes(payload.authorId)) return payload;
  return { ...payload, chain: newestByOthers(store, laneOf(payload), ids) ?? payload.rootId };
}

/**
 * Takes in that mentions are too old to be answered: one entry for all of a channel, in the thread of the newest that has
 * none of its day yet.
 * Gives how many there were that nobody answered.
 */
export function takeInLate(
  store: Store,
  config: Pick<AgentConfig, "agent" | "chat">,
  posts: readonly ChatPost[],
  now: number,
): number {
  const late = posts.filter(
    (post) => decide(store, config, post).kind === "mention" && !isKnown(store, chatSource, post.id),
  );
  const missed = { count: late.length, authors: [...new Set(late.map(({ authorId }) => authorId))] };
  for (const post of late.reverse()) {
    if (receive(store, entryOf(post, "late", { ...payloadOf(post, config), missed }), now)) break;
  }
  return late.length;
}

/** The name of the entry that agents have to stop: the same for all of them. */
export const hopsEntry = (chain: string): string => `hops-${chain}`;

/** An entry's name on the other side: hops are spoken of once a chain, what is too old once a thread and day, any other by its post. */
function sourceIdOf(post: ChatPost, kind: InboxKind, chain = post.rootId): string {
  if (kind === "hops") return hopsEntry(chain);
  // The post's own day: the same posts give the same entry whenever they are read again.
  if (kind === "late") return `late-${post.rootId}-${new Date(post.createdAt).toISOString().slice(0, 10)}`;
  return post.id;
}

const laneOf = ({ rootId }: Pick<ChatPost, "rootId">): string => `${chatSource}:${rootId}`;

function entryOf(post: ChatPost, kind: InboxKind, payload: PostPayload): InboxEntry {
  return {
    source: chatSource,
    sourceId: sourceIdOf(post, kind, payload.chain),
    // A command waits for nobody.
    lane: kind === "command" ? `${chatSource}:command:${post.id}` : laneOf(post),
    kind,
    author: post.authorId,
    createdAt: post.createdAt,
    payload,
  };
}

/** Hops count only when an agent wrote them: with a person's post a new chain begins, whatever its props say. */
function payloadOf(post: ChatPost, { chat }: Pick<AgentConfig, "chat">): PostPayload {
  const { id, channelId, rootId, authorId, text, createdAt, direct, marker } = post;
  const byAgent = chat.agents.some((agent) => agent.id === authorId);
  return {
    ...{ id, channelId, rootId, authorId, text, createdAt, direct },
    hops: byAgent ? (marker?.hops ?? 0) : 0,
    ...(byAgent && marker !== undefined && { chain: marker.chain ?? marker.source }),
    ...(post.automatic && { automatic: true }),
  };
}

/**
 * A mention as its author says it now: where the post it asks in was edited since, by its newest text; undefined where that speaks to the
 * agent no more. Who asks for somebody else's post again, with rights of their own, did not ask for what that one made of it afterwards.
 */
export function asItSaysNow(
  { agent }: Pick<AgentConfig, "agent">,
  post: PostPayload,
  there: ChatPost | undefined,
): PostPayload | undefined {
  if (there?.editedAt === undefined) return post;
  if (there.authorId !== post.authorId && there.editedAt > post.createdAt) return post;
  return post.direct || mentions(there.text, agent) ? { ...post, text: there.text } : undefined;
}

/** A post as if somebody else had written it now: with a person's wish a new chain begins. */
export function anew(
  { chain: _, ...post }: PostPayload,
  by: Pick<PostPayload, "id" | "authorId" | "createdAt">,
): PostPayload {
  return { ...post, ...by, hops: 0 };
}
