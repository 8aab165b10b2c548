import { type Chat, ChatError, type NewPost } from "./chat-port.ts";
import { backoff, type Clock } from "./clock.ts";
import type { Log } from "./log.ts";
import type { Store } from "./store/open.ts";
import { deadParts, markAttempt, markDead, markSent, nextPart, type OutboxPart } from "./store/outbox.ts";
import type { OpenRun } from "./store/runs.ts";

interface DeliveryParts {
  readonly store: Store;
  readonly chat: Chat;
  readonly botId: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Sends what a run has in the outbox, in order, each part exactly once: whenever a former try may have reached the server, the
 * thread is searched for the part's marker first. Tries until it is sent or refused for good; throws only the signal's reason.
 * Gives the reasons of what was refused.
 */
export async function deliver(parts: DeliveryParts, run: OpenRun, signal: AbortSignal): Promise<string[]> {
  const { store, clock, log } = parts;
  for (let part = nextPart(store, run.id), attempt = 0; part !== undefined; part = nextPart(store, run.id)) {
    signal.throwIfAborted();
    try {
      markSent(store, part, await send(parts, part), clock.now());
      attempt = 0;
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      if (error.kind === "refused") {
        markDead(store, part, error.message);
        log.warn({ run: run.id, part: part.part, error: error.message }, "the chat server refused an answer");
        continue;
      }
      const wait = error.retryAfterMs ?? backoff(attempt++, 300, 30_000);
      log.warn({ run: run.id, part: part.part, error: error.message, wait }, "could not deliver, will try again");
      await clock.wait(wait, signal);
    }
  }
  return deadParts(store, run.id);
}

async function send(parts: DeliveryParts, part: OutboxPart): Promise<string> {
  const post = JSON.parse(part.payload) as NewPost;
  return (part.attempts > 0 ? await find(parts, post) : undefined) ?? attempt(parts, part, post);
}

function attempt(parts: DeliveryParts, part: OutboxPart, post: NewPost): Promise<string> {
  markAttempt(parts.store, part);
  return parts.chat.post(post);
}

/** Where a post stands that a former try may have brought to the server. */
async function find({ chat, botId }: Pick<DeliveryParts, "chat" | "botId">, post: NewPost) {
  const { run, part } = post.marker;
  const thread = await chat.thread(post.rootId);
  return thread.find(
    (candidate) => candidate.authorId === botId && candidate.marker?.run === run && candidate.marker.part === part,
  )?.id;
}

/**
 * Says something without the store's help, because that is what failed: once, with a bounded number of tries.
 * Throws only the signal's reason; what cannot be said is logged.
 */
export async function sayDirectly(
  parts: Omit<DeliveryParts, "store">,
  post: NewPost,
  signal: AbortSignal,
): Promise<void> {
  const { chat, clock, log } = parts;
  for (let tries = 0; tries < 8; tries++) {
    try {
      if (tries === 0 || (await find(parts, post)) === undefined) await chat.post(post);
      return;
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      log.error({ run: post.marker.run, error: error.message }, "cannot tell in chat that a run failed");
      if (error.kind === "refused") return;
      await clock.wait(error.retryAfterMs ?? backoff(tries, 300, 30_000), signal);
    }
  }
}
