import { missedPosts } from "./catch-up.ts";
import { type Chat, ChatError, type ChatPost, type NewPost } from "./chat-port.ts";
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

function send(parts: DeliveryParts, part: OutboxPart): Promise<string> {
  markAttempt(parts.store, part);
  return sayOnce(parts, JSON.parse(part.payload) as NewPost, part.attempts > 0, part.createdAt);
}

/** How far this machine's clock and the server's may be apart, ms. */
const clocksApartMs = 3600_000;

/**
 * Posts among which an answer is found: its thread, or, where it begins one, those of its channel that harnesses wrote since it may have
 * been said (this machine's time; without it, of the newest page).
 */
export async function postsAround(
  chat: Pick<Chat, "page" | "thread">,
  { channelId, rootId }: Pick<NewPost, "channelId" | "rootId">,
  since?: number,
): Promise<ChatPost[]> {
  if (rootId !== "") return chat.thread(rootId);
  const channel = { id: channelId, direct: false, lastPostAt: 0 };
  if (since === undefined) return chat.page(channel, undefined);
  return (await missedPosts(chat, channel, since - clocksApartMs, ({ marker }) => marker !== undefined)).posts;
}

/** Writes a post and gives its id. Where a former try, `since` then, may have reached the server, the marker is searched for first. */
export async function sayOnce(
  { chat, config }: Pick<DeliveryParts, "chat" | "config">,
  post: NewPost,
  repeated: boolean,
  since?: number,
): Promise<string> {
  if (repeated) {
    const { run, part } = post.marker;
    const sent = (await postsAround(chat, post, since)).find(
      ({ authorId, marker }) => authorId === config.chat.botId && marker?.run === run && marker.part === part,
    );
    if (sent !== undefined) return sent.id;
  }
  return chat.post(post);
}
