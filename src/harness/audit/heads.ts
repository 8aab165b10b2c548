import type { Chat } from "../chat-port.ts";
import { backoff, type Clock } from "../clock.ts";
import type { AgentConfig } from "../config.ts";
import { sayOnce } from "../deliver.ts";
import type { Log } from "../log.ts";
import type { Store } from "../store/open.ts";
import { audit } from "./audit.ts";
import type { Head } from "./chain.ts";
import { sayHead } from "./head-post.ts";

const dayMs = 24 * 3600_000;
const toldKey = "audit:told";

interface HeadParts {
  readonly config: Pick<AgentConfig, "agent" | "chat">;
  readonly store: Store;
  readonly chat: Chat;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Posts the head of each day (UTC) that is over to the team's channel, once: whoever changes the log afterwards disagrees with what
 * the team was told. Days on which nothing happened are left out. Returns at once; without a channel in the configuration it does nothing.
 */
export function tellHeads(parts: HeadParts, signal: AbortSignal): void {
  const channel = parts.config.chat.operations;
  if (channel === undefined) return;
  const look = async (): Promise<void> => {
    for (let attempt = 0; ; ) {
      try {
        await tellDue(parts, channel);
        attempt = 0;
        const now = parts.clock.now();
        // Some seconds late: then the day is over on other machines too.
        await parts.clock.wait(dayMs - (now % dayMs) + 5000, signal);
      } catch (error) {
        signal.throwIfAborted();
        const wait = backoff(attempt++, 5000, 600_000);
        parts.log.warn({ error: String(error), wait }, "cannot tell the audit log's head, will try again");
        await parts.clock.wait(wait, signal);
      }
    }
  };
  // It ends when the harness does.
  look().catch(() => undefined);
}

/** Tells the head of the newest day that is over and was not told yet. It holds the days before it as well. */
export async function tellDue(parts: HeadParts, channel: string): Promise<Head | undefined> {
  const { config, store, chat, clock } = parts;
  const head = dueHead(store, clock.now());
  if (head === undefined) return undefined;
  const channelId = await chat.channelNamed(channel);
  const id = `audit-${head.day}`;
  const marker = { run: id, part: 0, source: id, hops: 0 };
  const text = sayHead(config.agent, head);
  const since = Date.parse(head.day);
  const postId = await sayOnce({ chat, config }, { channelId, rootId: "", text, marker }, true, since);
  const evidence = { day: head.day, head: head.hash, entry: head.seq };
  store.transaction(() => {
    audit(store, { kind: "head", actor: "harness", what: "told", subject: postId, evidence }, clock.now());
    store.setMeta(toldKey, head.day);
  });
  return head;
}

/** The head at the end of the newest day before today's, when it was not told and something but heads was written since. */
function dueHead(store: Store, now: number): Head | undefined {
  const today = new Date(now).toISOString().slice(0, 10);
  const last = store.get<{ day: string; seq: number; hash: string }>(
    `SELECT substr(entry ->> 'at', 1, 10) AS day, seq, hash FROM audit
     WHERE entry ->> 'at' < ? ORDER BY seq DESC LIMIT 1`,
    today,
  );
  const told = store.meta(toldKey) ?? "";
  if (last === undefined || last.day <= told) return undefined;
  const news = store.get(
    "SELECT 1 FROM audit WHERE kind <> 'head' AND seq <= ? AND substr(entry ->> 'at', 1, 10) > ? LIMIT 1",
    last.seq,
    told,
  );
  return news === undefined ? undefined : last;
}
