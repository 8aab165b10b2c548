import { missedPosts } from "./catch-up.ts";
import { type Chat, type ChatChannel, ChatError, type ChatPost, type ChatReaction } from "./chat-port.ts";
import { backoff, type Clock } from "./clock.ts";
import type { AgentConfig } from "./config.ts";
import { missedReactions, saysYes, takeReaction } from "./gates/reaction.ts";
import { chatSource, decide, takeIn, takeInLate } from "./intake.ts";
import type { Log } from "./log.ts";
import { cursorOf } from "./store/cursors.ts";
import type { Store } from "./store/open.ts";

/** Posts saved at the same moment may be announced in another order: cursors stay this far behind live posts. */
const overlapMs = 30_000;
/** How often silence is checked against the server, in case an event was lost without a trace. */
const sweepMs = 60_000;
const reactedEarlyMs = 2000;

const seenKey = (channel: string): string => `read-to:${channel}`;

interface FeedParts {
  readonly config: AgentConfig;
  readonly store: Store;
  readonly chat: Chat;
  readonly clock: Clock;
  readonly log: Log;
  /** New work is in the inbox. */
  readonly wake: () => void;
  /** The server does not take our token any more. Told at each try. */
  readonly unauthorised?: (reason: string) => void;
}

/**
 * Brings every post into the inbox once, in order: live events, and after each connection what was missed. Live events of a
 * channel wait in memory until the channel's gap is closed, so that an older mention never comes after a younger one.
 */
export class Feed {
  readonly #parts: FeedParts;
  readonly #synced = new Set<string>();
  readonly #held = new Map<string, ChatPost[]>();
  /** The newest post seen of each channel (server's time), and when we saw it (ours). */
  readonly #newest = new Map<string, { at: number; seen: number }>();
  #epoch = 0;
  #catching: Promise<void> | undefined;
  #again = false;
  #since = 0;
  #sweepTimer: NodeJS.Timeout | undefined;
  readonly #stop = new AbortController();
  /** When everything up to that moment was known to be read (this machine's clock, ms); undefined until then. */
  caughtUpAt: number | undefined;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  /** `since`: mentions in channels never seen before count from this time on (server's time, ms). */
  start(since: number): void {
    this.#since = since;
    const { clock } = this.#parts;
    this.#sweepTimer = setInterval(() => this.#epoch > 0 && this.#catchUp(), clock.scaled(sweepMs));
    this.#sweepTimer.unref();
  }

  stop(): void {
    clearInterval(this.#sweepTimer);
    this.#stop.abort(new Error("stopped"));
    const { store, log } = this.#parts;
    try {
      store.transaction(() => {
        for (const [channel, { at }] of this.#newest) store.setMeta(seenKey(channel), String(at));
      });
    } catch (error) {
      // All that depends on it: what was edited since counts by what it says then.
      log.warn({ error: String(error) }, "cannot note what was read");
    }
  }

  connected(): void {
    this.#epoch++;
    this.#synced.clear();
    this.caughtUpAt = undefined;
    this.#catchUp();
    this.#lookForReactions();
  }

  reacted(reaction: ChatReaction): void {
    const { clock, log, wake } = this.#parts;
    if (!saysYes(reaction)) return;
    try {
      if (takeReaction(this.#parts, reaction)) {
        wake();
        return;
      }
    } catch (error) {
      // A full disk, say: the server still has the reaction.
      log.error({ error: String(error) }, "cannot take a reaction in, will look for it again");
    }
    // People may be faster than the server's answer to our own post, by which we know it.
    clock.wait(reactedEarlyMs, this.#stop.signal).then(
      () => this.#lookForReactions(),
      () => undefined,
    );
  }

  #lookForReactions(): void {
    const { log, wake } = this.#parts;
    missedReactions(this.#parts).then(
      (any) => any && wake(),
      (error: unknown) =>
        log.warn({ error: String(error) }, "cannot look for missed reactions; a word in the chat does"),
    );
  }

  posted(post: ChatPost): void {
    if (!this.#synced.has(post.channelId)) {
      const held = this.#held.get(post.channelId) ?? [];
      held.push(post);
      this.#held.set(post.channelId, held);
      this.#catchUp();
      return;
    }
    try {
      this.#take([post], post.channelId);
    } catch (error) {
      // A full disk, say: the server still has the post, and the cursor stands before it.
      this.#parts.log.error({ error: String(error) }, "cannot take a post in, will read it again");
      this.#synced.delete(post.channelId);
      this.#newest.delete(post.channelId);
      this.#catchUp();
    }
  }

  #take(posts: readonly ChatPost[], channel: string): void {
    const { config, store, clock, wake } = this.#parts;
    for (const post of posts) this.#saw(channel, post.createdAt);
    // Posts that lead to nothing cost no write: reading them again after a crash decides the same.
    const work = posts.filter((post) => decide(store, config, post).kind !== "ignore");
    if (work.length === 0) return;
    const readTo = this.#newestOf(channel) - overlapMs;
    if (takeIn(store, config, work, { channel, readTo }, clock.now()) > 0) wake();
  }

  #newestOf(channel: string): number {
    return this.#newest.get(channel)?.at ?? 0;
  }

  /** Where what was written up to then has been decided on: an edit of that makes no mention of it. Server's time. */
  #decidedTo(channel: string): number {
    return Math.max(this.#newestOf(channel), Number(this.#parts.store.meta(seenKey(channel)) ?? 0));
  }

  #saw(channel: string, at: number): void {
    if (at > this.#newestOf(channel)) this.#newest.set(channel, { at, seen: this.#parts.clock.now() });
  }

  /** One catch-up at a time; a wish for another while one runs is remembered. */
  #catchUp(): void {
    if (this.#catching !== undefined) {
      this.#again = true;
      return;
    }
    this.#catching = this.#untilCaughtUp().finally(() => {
      this.#catching = undefined;
      if (this.#again && !this.#stop.signal.aborted) {
        this.#again = false;
        this.#catchUp();
      }
    });
  }

  async #untilCaughtUp(): Promise<void> {
    const { clock, log } = this.#parts;
    for (let attempt = 0; !this.#stop.signal.aborted; attempt++) {
      try {
        if (await this.#oneCatchUp()) return;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        if (error instanceof ChatError && error.kind === "unauthorised") this.#parts.unauthorised?.(error.message);
        const wait = (error instanceof ChatError ? error.retryAfterMs : undefined) ?? backoff(attempt, 500, 30_000);
        log.warn({ error: String(error), wait }, "catching up failed, will try again");
        await clock.wait(wait, this.#stop.signal).catch(() => undefined);
      }
    }
  }

  /** True when every channel's gap is closed. A new connection meanwhile asks for another pass by itself. */
  async #oneCatchUp(): Promise<boolean> {
    const { chat, clock } = this.#parts;
    const epoch = this.#epoch;
    const channels = await chat.channels();
    const known = new Set(channels.map((channel) => channel.id));
    for (const id of this.#held.keys()) if (!known.has(id)) this.#held.delete(id);
    let failed: unknown;
    for (let next = 0; next < channels.length; next += 4) {
      const results = await Promise.allSettled(
        channels.slice(next, next + 4).map((channel) => this.#close(channel, epoch)),
      );
      for (const result of results) if (result.status === "rejected") failed ??= result.reason;
    }
    if (failed !== undefined) throw failed;
    if (epoch === this.#epoch) this.caughtUpAt = clock.now();
    return true;
  }

  /** Closes one channel's gap. */
  async #close(channel: ChatChannel, epoch: number): Promise<void> {
    const { config, store, chat, clock, log, wake } = this.#parts;
    const oldestAnswered = clock.now() - config.chat.maxAgeHours * 3600_000;
    const cursor = cursorOf(store, chatSource, channel.id);
    const floor = cursor ?? Math.max(this.#since, oldestAnswered);
    const newestSeen = this.#newestOf(channel.id);
    const decidedTo = this.#decidedTo(channel.id);
    const quiet = this.#synced.has(channel.id) && channel.lastPostAt <= newestSeen;
    if (channel.lastPostAt > floor && !quiet) {
      const missed = await missedPosts(
        chat,
        channel,
        floor,
        (post) =>
          decide(store, config, post).kind !== "ignore" && (post.editedAt === undefined || post.createdAt > decidedTo),
      ).catch((error) => {
        // Removed from the channel, or the channel is gone: nothing to read there any more.
        if (error instanceof ChatError && error.kind === "refused") return undefined;
        throw error;
      });
      if (missed === undefined) return;
      const old = missed.posts.filter((post) => post.createdAt <= oldestAnswered);
      const fresh = missed.posts.slice(old.length);
      // Of that age nothing can be under way any more, so the overlap is not needed.
      const readTo = Math.max(missed.newest - overlapMs, old.at(-1)?.createdAt ?? 0);
      const [taken, late] = store.transaction(() => [
        takeIn(store, config, fresh, { channel: channel.id, readTo }, clock.now()),
        takeInLate(store, config, old, clock.now()),
      ]);
      this.#saw(channel.id, missed.newest);
      if (taken > 0) log.info({ channel: channel.id, mentions: taken }, "took in mentions that were missed");
      if (late > 0) log.warn({ channel: channel.id, mentions: late }, "mentions are too old to be answered");
      if (taken + late > 0) wake();
    } else if (quiet && channel.lastPostAt > floor && clock.now() - this.#newest.get(channel.id)!.seen > overlapMs) {
      // Nothing new for so long: nothing of that time can be under way any more, so the overlap is not needed.
      takeIn(store, config, [], { channel: channel.id, readTo: channel.lastPostAt }, clock.now());
    } else if (cursor === undefined) {
      takeIn(store, config, [], { channel: channel.id, readTo: floor }, clock.now());
    }
    if (epoch !== this.#epoch) return;
    // In this order: when storing them fails, the channel stays open and the next try reads it again.
    try {
      this.#take(this.#held.get(channel.id) ?? [], channel.id);
    } catch (error) {
      this.#newest.delete(channel.id);
      this.#synced.delete(channel.id);
      throw error;
    }
    this.#held.delete(channel.id);
    this.#synced.add(channel.id);
  }
}
