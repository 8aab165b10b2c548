/** A post as the harness sees it, whatever the chat server. Times are the server's, ms. */
export interface ChatPost {
  readonly id: string;
  readonly channelId: string;
  /** The thread's first post; the post's own id when it starts a thread. */
  readonly rootId: string;
  readonly authorId: string;
  readonly text: string;
  readonly createdAt: number;
  /** When its text was changed last, if it was. */
  readonly editedAt?: number;
  /** Joins, header changes and the like. */
  readonly system: boolean;
  /** Written by a bot, a webhook or a plugin, whatever account it used. */
  readonly automatic: boolean;
  /** In a direct message with the agent. */
  readonly direct: boolean;
  /** Whether the server says that the agent is mentioned (also by @channel); undefined where it does not say. */
  readonly mentioned: boolean | undefined;
  /** On posts written by a harness. */
  readonly marker: PostMarker | undefined;
  /** What is attached, as far as the server tells (it always does for a thread's posts). */
  readonly files?: readonly ChatFile[];
}

export interface ChatFile {
  readonly id: string;
  /** As its sender named it. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Media type, by its name only. */
  readonly type: string;
}

/** Carried by every post of a harness: makes it recognisable after a crash, and counts hops between agents. */
export interface PostMarker {
  readonly run: string;
  readonly part: number;
  /** The post that is answered. */
  readonly source: string;
  /** How many agents in a row answered one another up to this post. */
  readonly hops: number;
  /** What all of this goes back to, a person's post mostly, where that is not `source`. */
  readonly chain?: string;
}

export interface ChatChannel {
  readonly id: string;
  readonly direct: boolean;
  /** Server's time of its newest post, ms. */
  readonly lastPostAt: number;
}

export interface NewPost {
  readonly channelId: string;
  /** Empty: it begins a thread. */
  readonly rootId: string;
  readonly text: string;
  readonly marker: PostMarker;
  readonly files?: readonly NewFile[];
}

/** To be attached: a text, or any bytes. */
export type NewFile = { readonly name: string } & ({ readonly text: string } | { readonly base64: string });

export function contentOf(file: NewFile): Buffer {
  return "text" in file ? Buffer.from(file.text) : Buffer.from(file.base64, "base64");
}

export interface ChatAccount {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
}

/** An emoji that somebody put on a post. */
export interface ChatReaction {
  readonly postId: string;
  readonly authorId: string;
  /** The emoji's name, `+1`. */
  readonly name: string;
  /** Server's time, ms. */
  readonly at: number;
}

export interface ChatEvents {
  /** A connection stands; it may have missed any number of events since the last one. */
  connected(): void;
  disconnected(reason: string): void;
  /** A post was written somewhere the agent can see. May come twice, and in rare cases out of order. */
  posted(post: ChatPost): void;
  /** Somebody reacted to a post somewhere the agent can see. May come twice. */
  reacted?(reaction: ChatReaction): void;
}

/**
 * `retry`: may work later. `refused`: never will (gone, forbidden, malformed), in words that we know. `unclear`: refused in words
 * that we do not know, by the server or something before it: may work later, but is not waited for without end.
 * `unauthorised`: not with this token.
 */
export type ChatErrorKind = "retry" | "refused" | "unclear" | "unauthorised";

export class ChatError extends Error {
  readonly kind: ChatErrorKind;
  /** What the server asked us to wait, ms. */
  readonly retryAfterMs: number | undefined;
  /** The server's own name for it. */
  readonly id: string | undefined;

  constructor(
    kind: ChatErrorKind,
    message: string,
    details: { retryAfterMs?: number | undefined; id?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "ChatError";
    this.kind = kind;
    this.retryAfterMs = details.retryAfterMs;
    this.id = details.id;
  }
}

/** A thread of fewer posts is always read whole. */
export const wholeThread = 1000;

/**
 * A chat server. Every promise settles within a bounded time (30 s) whatever the network does, and rejects with nothing
 * but `ChatError`. Implementations pass the suite in test/contract/harness-chat-suite.ts.
 */
export interface Chat {
  /** Who we are there. Rejects with `unauthorised` when the token is not taken. */
  account(): Promise<ChatAccount>;
  /** Begins to connect and keeps connecting until `close`; must not throw, and returns at once. */
  open(events: ChatEvents): void;
  close(): void;
  /** Every channel that the agent is a member of, direct messages included. */
  channels(): Promise<ChatChannel[]>;
  /**
   * Posts of a channel, newest first: a page of those written before post `before`, or the newest. An empty page means that
   * there are none. Posts with the same time as `before` may be missing: see `catch-up.ts`. `direct` is given by the caller.
   */
  page(channel: ChatChannel, before: string | undefined): Promise<ChatPost[]>;
  /** A thread's posts, oldest first; its newest ones when it is longer than the implementation's bound (at least `wholeThread`). */
  thread(rootId: string): Promise<ChatPost[]>;
  /** Shows the author that the agent has seen the post. Doing so twice is the same as once. */
  acknowledge(postId: string): Promise<void>;
  /** The reactions that a post has now. */
  reactions(postId: string): Promise<ChatReaction[]>;
  /** Writes a post and gives its id. The same run and part, repeated within seconds, is one post. */
  post(post: NewPost): Promise<string>;
  /** Replaces the text of an own post. */
  edit(postId: string, text: string): Promise<void>;
  /** Shows for some seconds that the agent is writing, in a thread or (empty `rootId`) a channel. */
  typing(channelId: string, rootId: string): Promise<void>;
  /** What is attached, of at most `most` bytes. Rejects with `refused` when it is gone or larger. */
  file(id: string, most: number): Promise<Uint8Array>;
  /** The id of a channel by the names of its team and itself, `olympus/dev`. Rejects with `refused` when there is none. */
  channelNamed(name: string): Promise<string>;
  /** User names by id; unknown ids are left out. */
  names(ids: readonly string[]): Promise<Map<string, string>>;
  /** Characters (code points) that a post may have. */
  maxPost(): Promise<number>;
}

/** The end of a text that says what could not be attached to it; nothing where all was. */
export function notAttached(left: readonly string[]): string {
  return left.length === 0 ? "" : `\n\n_Not attached: ${left.join(", ")}._`;
}
