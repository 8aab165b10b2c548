import type { PostPayload } from "../intake.ts";
import type { Store } from "./open.ts";
import { finish } from "./runs.ts";

/** A thread (its lane), a channel, or with neither everywhere. Commands themselves are no work. */
export interface Place {
  readonly lane?: string;
  readonly channel?: string;
}

const at =
  "inbox.kind <> 'command' AND (?1 IS NULL OR inbox.lane = ?1 OR 'mattermost:' || (payload ->> 'rootId') = ?1) AND (?2 IS NULL OR payload ->> 'channelId' = ?2)";
const open = "runs.state IN ('running', 'delivering')";
const joined = "runs JOIN inbox ON inbox.id = runs.inbox";
const bound = ({ lane, channel }: Place) => [lane ?? null, channel ?? null] as const;

/** How much is under way, and how much waits. */
export function workIn(store: Store, place: Place): { running: number; waiting: number } {
  return store.get<{ running: number; waiting: number }>(
    `SELECT (SELECT count(*) FROM ${joined} WHERE ${open} AND ${at}) AS running,
       (SELECT count(*) FROM inbox WHERE state = 'new' AND ${at}) AS waiting`,
    ...bound(place),
  )!;
}

/** What is under way: since when (ms), and the kind of its newest step. */
export function openIn(store: Store, place: Place): { id: string; since: number; step: string | undefined }[] {
  return store
    .all<{ id: string; since: number; step: string | null }>(
      `SELECT runs.id, started_at AS since,
         (SELECT steps.kind || coalesce(' ' || substr(detail, 1, 60), '') FROM steps WHERE run = runs.id ORDER BY steps.id DESC LIMIT 1) AS step
       FROM ${joined} WHERE ${open} AND ${at} ORDER BY started_at`,
      ...bound(place),
    )
    .map((row) => ({ ...row, step: row.step ?? undefined }));
}

/** The mention that was taken in last. */
export function newestMention(store: Store, place: Place): { lane: string; payload: PostPayload } | undefined {
  const row = store.get<{ lane: string; payload: string }>(
    `SELECT lane, payload FROM inbox WHERE kind = 'mention' AND ${at} ORDER BY created_at DESC, id DESC LIMIT 1`,
    ...bound(place),
  );
  return row && { lane: row.lane, payload: JSON.parse(row.payload) as PostPayload };
}

/** What model calls for a place cost. */
export function spentIn(store: Store, place: Place): { usd: number; tokens: number; calls: number } {
  return store.get<{ usd: number; tokens: number; calls: number }>(
    `SELECT coalesce(sum(usd), 0) AS usd, coalesce(sum(input_tokens + output_tokens), 0) AS tokens, count(*) AS calls
     FROM steps JOIN ${joined.replace("runs JOIN", "runs ON runs.id = steps.run JOIN")}
     WHERE usd IS NOT NULL AND ${at}`,
    ...bound(place),
  )!;
}

/**
 * Ends what was asked for in a place no later than `until` (server's time, ms), for good: runs, what they have not sent yet, and what
 * waits. Gives the runs that were under way, and how much waited.
 */
export function cancelIn(
  store: Store,
  place: Place,
  until: number,
  outcome: string,
  now: number,
): { runs: string[]; waiting: number } {
  return store.transaction(() => {
    const where = `${at} AND created_at <= ?3`;
    const runs = store.all<{ id: string; inbox: number; lane: string }>(
      `SELECT runs.id, inbox, runs.lane FROM ${joined} WHERE ${open} AND ${where}`,
      ...bound(place),
      until,
    );
    for (const run of runs) {
      store.run("UPDATE outbox SET state = 'dead', error = ? WHERE run = ? AND state = 'pending'", outcome, run.id);
      finish(store, run, "failed", outcome, now);
    }
    const waiting = store.run(
      `UPDATE inbox SET state = 'done' WHERE state = 'new' AND ${where}`,
      ...bound(place),
      until,
    ).changes;
    return { runs: runs.map(({ id }) => id), waiting };
  });
}
