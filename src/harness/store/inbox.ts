import { audit } from "../audit/audit.ts";
import { forgeKinds } from "../forge-work.ts";
import type { Store } from "./open.ts";

const noticeKinds = ["notice", "hops", "late"] as const;

/**
 * What may cause work. `mention`: answer it. `schedule`: do it, and post what came of it. Without a model: `command` is done at once, beside all work; `notice` tells the author, once, that it will not be answered; `hops`
 * tells a thread, once, that agents answered one another often enough; `late` tells a channel that mentions are too old by now. What begins
 * on the forge has kinds of its own.
 */
export const inboxKinds = ["mention", "schedule", "command", ...noticeKinds, ...forgeKinds] as const;
export type InboxKind = (typeof inboxKinds)[number];
export type NoticeKind = (typeof noticeKinds)[number];

export interface InboxEntry {
  readonly source: string;
  /** Unique on the other side: a post's id. */
  readonly sourceId: string;
  /** The conversation it belongs to. */
  readonly lane: string;
  readonly kind: InboxKind;
  readonly author: string;
  /** Server's time, ms. */
  readonly createdAt: number;
  readonly payload: object;
  /** Of what waits, the lowest comes first; 0 unless given. */
  readonly priority?: number;
}

/** Takes an entry in; false when it was known. The second arrival of an event changes nothing. */
export function receive(store: Store, entry: InboxEntry, now: number): boolean {
  return store.transaction(() => {
    const { changes } = store.run(
      `INSERT INTO inbox (source, source_id, lane, kind, author, created_at, received_at, payload, priority)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, source_id) DO NOTHING`,
      entry.source,
      entry.sourceId,
      entry.lane,
      entry.kind,
      entry.author,
      entry.createdAt,
      now,
      JSON.stringify(entry.payload),
      entry.priority ?? 0,
    );
    if (changes === 0) return false;
    const { source, sourceId, author, kind, lane } = entry;
    audit(
      store,
      { kind: "event", actor: `${source}:${author}`, what: kind, subject: `${source}:${sourceId}`, evidence: { lane } },
      now,
    );
    return true;
  });
}

/** Whether an entry is known, in whatever state. */
export function isKnown(store: Store, source: string, sourceId: string): boolean {
  return store.get("SELECT 1 FROM inbox WHERE source = ? AND source_id = ?", source, sourceId) !== undefined;
}

/** How many mentions by agents were taken in that go back to one post. */
export function mentionsInChain(store: Store, chain: string): number {
  return store.get<{ n: number }>(
    "SELECT count(*) AS n FROM inbox WHERE payload ->> 'chain' = ? AND kind = 'mention'",
    chain,
  )!.n;
}

/** The name on the other side of what came last to a lane from none of these authors. */
export function newestByOthers(store: Store, lane: string, authors: readonly string[]): string | undefined {
  return store.get<{ source_id: string }>(
    `SELECT source_id FROM inbox WHERE lane = ? AND kind = 'mention' AND author NOT IN (SELECT value FROM json_each(?))
     ORDER BY created_at DESC, id DESC LIMIT 1`,
    lane,
    JSON.stringify(authors),
  )?.source_id;
}

/** Whether this author was sent a notice since the given time (ms). */
export function noticedSince(store: Store, author: string, since: number): boolean {
  return (
    store.get(
      "SELECT 1 FROM inbox WHERE author = ? AND kind = 'notice' AND received_at >= ? LIMIT 1",
      author,
      since,
    ) !== undefined
  );
}

/** Entries that wait for a lane. */
export function waiting(store: Store): number {
  return store.get<{ n: number }>("SELECT count(*) AS n FROM inbox WHERE state = 'new'")!.n;
}

/** Since when (ms) the oldest entry waits whose lane is free, of any kind but one: since it came, or since its lane was freed. */
export function waitingSince(store: Store, but?: InboxKind): number | undefined {
  const { at } = store.get<{ at: number | null }>(
    `SELECT min(max(received_at, coalesce(lanes.updated_at, 0))) AS at FROM inbox LEFT JOIN lanes ON lanes.key = inbox.lane
     WHERE state = 'new' AND lanes.run IS NULL AND (?1 IS NULL OR kind <> ?1)`,
    but ?? null,
  )!;
  return at ?? undefined;
}
