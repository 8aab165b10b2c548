import {
  type Chat,
  type ChatChannel,
  ChatError,
  type ChatEvents,
  type ChatFile,
  type ChatPost,
  type ChatReaction,
  contentOf,
  type NewPost,
} from "../chat-port.ts";
import { mentions } from "../mention.ts";

const pageSize = 200;

/** A chat server in memory that behaves like the real one where the harness can tell: same suite, no network. */
export class FakeChatServer {
  readonly posts: ChatPost[] = [];
  readonly reactions = new Map<string, Set<string>>();
  /** What people put on posts, in order. */
  readonly marks: ChatReaction[] = [];
  readonly #users = new Map<string, string>();
  readonly #channels = new Map<string, { direct: boolean; members: Set<string> }>();
  readonly #clients = new Set<{ userId: string; events: ChatEvents }>();
  readonly #keys = new Map<string, { id: string; at: number }>();
  /** How long a repeated post is recognised by its key, ms. */
  dedupMs = 30_000;
  maxPost = 16_383;
  /** Contents of files by id. */
  readonly files = new Map<string, Uint8Array>();
  /** Posts that were edited, with the time (this machine's, ms). */
  readonly edits: { id: string; text: string; at: number }[] = [];
  /** Whom and where somebody was seen writing. */
  readonly typing: { userId: string; channelId: string; rootId: string }[] = [];
  /** What the server says to a post instead of taking it. */
  refuse: (post: NewPost) => ChatError | undefined = () => undefined;
  /** The server's time, ms: passes with what is written. */
  now = 1_700_000_000_000;
  #id = 0;

  addUser(id: string, name: string): void {
    this.#users.set(id, name);
  }

  addChannel(id: string, members: readonly string[], direct = false): void {
    this.#channels.set(id, { direct, members: new Set(members) });
  }

  readonly #names = new Map<string, string>();

  /** Makes a channel known as `team/channel`. */
  nameChannel(name: string, id: string): void {
    this.#names.set(name, id);
  }

  removeMember(channel: string, user: string): void {
    this.#channels.get(channel)!.members.delete(user);
  }

  /** Closes every connection; what is posted before the next `reconnect` is announced to nobody. */
  disconnect(): void {
    for (const { events } of this.#clients) events.disconnected("connection lost");
    this.#clients.clear();
  }

  /** What somebody writes. Gives the post. */
  say(authorId: string, channelId: string, text: string, more: Partial<ChatPost> = {}): ChatPost {
    const id = `p${String(++this.#id).padStart(6, "0")}`;
    const direct = this.#channels.get(channelId)!.direct;
    const post: ChatPost = {
      id,
      channelId,
      rootId: id,
      authorId,
      text,
      createdAt: ++this.now,
      system: false,
      automatic: false,
      direct,
      mentioned: undefined,
      marker: undefined,
      ...more,
    };
    this.posts.push(post);
    this.announce(post);
    return post;
  }

  /** Its author changes a post. Nobody is told: the harness listens to new posts only. */
  change(id: string, text: string): void {
    const at = this.posts.findIndex((post) => post.id === id);
    this.posts[at] = { ...this.posts[at]!, text, editedAt: ++this.now };
  }

  /** Somebody deletes a post; a thread's first one with all of it. */
  remove(id: string): void {
    for (let at = this.posts.length - 1; at >= 0; at--)
      if (this.posts[at]!.id === id || this.posts[at]!.rootId === id) this.posts.splice(at, 1);
  }

  /** Somebody reacts; those who are connected are told. */
  react(authorId: string, postId: string, name: string): void {
    const reaction = { postId, authorId, name, at: ++this.now };
    this.marks.push(reaction);
    for (const { events } of this.#clients) queueMicrotask(() => events.reacted?.(reaction));
  }

  /** Takes a file, as a post can then bring it. */
  attach(name: string, content: string | Uint8Array, type = "application/octet-stream"): ChatFile {
    const id = `f${this.files.size}`;
    const bytes = Buffer.from(content);
    this.files.set(id, bytes);
    return { id, name, size: bytes.length, type };
  }

  /** Tells every connected member of the channel about a post, as often as it is called. */
  announce(post: ChatPost): void {
    for (const { userId, events } of this.#clients) {
      if (!this.#channels.get(post.channelId)?.members.has(userId)) continue;
      const name = this.#users.get(userId) ?? "";
      const mentioned = mentions(post.text, name) || /@(all|channel|here)\b/.test(post.text) || post.direct;
      queueMicrotask(() => events.posted({ ...post, mentioned }));
    }
  }

  thread(rootId: string): ChatPost[] {
    return this.posts.filter((post) => post.rootId === rootId);
  }

  /** The chat as one of its users sees it. */
  client(userId: string): Chat & { reconnect(): void } {
    let entry: { userId: string; events: ChatEvents } | undefined;
    const member = (channelId: string) => this.#channels.get(channelId)?.members.has(userId) ?? false;
    const connect = () => {
      if (entry === undefined) return;
      this.#clients.add(entry);
      queueMicrotask(() => entry?.events.connected());
    };
    return {
      account: async () => ({ id: userId, name: this.#users.get(userId) ?? "", createdAt: 1_600_000_000_000 }),
      open: (events) => {
        entry = { userId, events };
        connect();
      },
      reconnect: connect,
      close: () => {
        if (entry !== undefined) this.#clients.delete(entry);
        entry = undefined;
      },
      channels: async () =>
        [...this.#channels]
          .filter(([, channel]) => channel.members.has(userId))
          .map(([id, { direct }]): ChatChannel => {
            const lastPostAt = this.posts.findLast((post) => post.channelId === id)?.createdAt ?? 0;
            return { id, direct, lastPostAt };
          }),
      page: async (channel, before) => {
        if (!member(channel.id)) throw new ChatError("refused", "HTTP 403: not a member");
        const anchor =
          before === undefined ? Number.POSITIVE_INFINITY : this.posts.find((post) => post.id === before)!.createdAt;
        return this.posts
          .filter((post) => post.channelId === channel.id && post.createdAt < anchor)
          .reverse()
          .slice(0, pageSize)
          .map((post) => ({ ...post, direct: channel.direct }));
      },
      thread: async (rootId) => {
        const posts = this.thread(rootId);
        if (posts.length === 0) throw new ChatError("refused", "HTTP 404: no such post");
        return posts;
      },
      acknowledge: async (postId) => {
        if (!this.posts.some((post) => post.id === postId)) throw new ChatError("refused", "HTTP 404: no such post");
        this.reactions.set(postId, (this.reactions.get(postId) ?? new Set()).add(userId));
      },
      reactions: async (postId) => this.marks.filter((reaction) => reaction.postId === postId),
      edit: async (postId, text) => {
        const at = this.posts.findIndex(({ id, authorId }) => id === postId && authorId === userId);
        if (at < 0) throw new ChatError("refused", "HTTP 404: no such post");
        this.posts[at] = { ...this.posts[at]!, text };
        this.edits.push({ id: postId, text, at: Date.now() });
      },
      typing: async (channelId, rootId) => {
        this.typing.push({ userId, channelId, rootId });
      },
      file: async (id, most) => {
        const file = this.files.get(id);
        if (file === undefined) throw new ChatError("refused", "HTTP 404: no such file");
        if (file.length > most) throw new ChatError("refused", "too large");
        return file;
      },
      post: async (post) => this.#post(userId, post, member(post.channelId)),
      channelNamed: async (name) => {
        const id = this.#names.get(name);
        if (id === undefined) throw new ChatError("refused", "HTTP 404: no such channel");
        return id;
      },
      names: async (ids) =>
        new Map(ids.flatMap((id) => (this.#users.has(id) ? [[id, this.#users.get(id)!] as const] : []))),
      maxPost: async () => this.maxPost,
    };
  }

  #post(userId: string, { channelId, rootId, text, marker, files }: NewPost, member: boolean): string {
    const refusal = this.refuse({ channelId, rootId, text, marker });
    if (refusal !== undefined) throw refusal;
    if (!member) throw new ChatError("refused", "HTTP 403: not a member");
    if (rootId !== "" && !this.posts.some((post) => post.id === rootId))
      throw new ChatError("refused", "HTTP 400: no such thread");
    if (Array.from(text).length > this.maxPost) throw new ChatError("refused", "HTTP 400: too long");
    const key = `${userId}:${marker.run}:${marker.part}`;
    const known = this.#keys.get(key);
    if (known !== undefined && Date.now() - known.at < this.dedupMs) return known.id;
    const { id } = this.say(userId, channelId, text, {
      ...(rootId === "" ? {} : { rootId }),
      marker,
      automatic: true,
      ...(files && { files: files.map((file) => this.attach(file.name, contentOf(file))) }),
    });
    this.#keys.set(key, { id, at: Date.now() });
    return id;
  }
}
