import { type Chat, ChatError, type NewPost } from "./chat-port.ts";
import { backoff, type Clock } from "./clock.ts";
import type { AgentConfig } from "./config.ts";
import type { Log } from "./log.ts";
import type { Store } from "./store/open.ts";
import { drop, dropReason, markAttempt, markSent, nextPart, type OutboxPart } from "./store/outbox.ts";
import type { OpenRun } from "./store/runs.ts";

interface DeliveryParts {
  readonly store: Store;
  readonly chat: Chat;
  readonly config: Pick<AgentConfig, "chat">;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Sends what a run has in the outbox, in order, each part exactly once: whenever a former try may have reached the server, the
 * thread is searched for the part's marker first. Tries until it is sent or refused for good; what is refused in unclear words counts
 * as such once it is as old as a mention may be. With a part all after it are given up. Gives the reason, undefined when all was
 * sent; throws only the signal's reason.
 */
export async function deliver(parts: DeliveryParts, run: OpenRun, signal: AbortSignal): Promise<string | undefined> {
  const { config, store, clock, log } = parts;
  for (let part = nextPart(store, run.id), attempt = 0; part !== undefined; part = nextPart(store, run.id)) {
    signal.throwIfAborted();
    try {
      markSent(store, part, await send(parts, part), clock.now());
      attempt = 0;
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      const old = clock.now() - part.createdAt > config.chat.maxAgeHours * 3600_000;
      if (error.kind === "refused" || (error.kind === "unclear" && old)) {
        drop(store, part, error.message);
        log.error({ run: run.id, part: part.part, error: error.message }, "an answer is refused and dropped");
        break;
      }
      const wait = error.retryAfterMs ?? backoff(attempt++, 300, 30_000);
      log.warn({ run: run.id, part: part.part, error: error.message, wait }, "could not deliver, will try again");
      await clock.wait(wait, signal);
    }
  }
  return dropReason(store, run.id);
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
async function find({ chat, config }: Pick<DeliveryParts, "chat" | "config">, post: NewPost) {
  const { run, part } = post.marker;
  const thread = await chat.thread(post.rootId);
  return thread.find(
    ({ authorId, marker }) => authorId === config.chat.botId && marker?.run === run && marker.part === part,
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
