import type { StepRow } from "./look.ts";
import type { Store } from "./open.ts";

/** What the dashboard's streams read: what is new since somebody looked. Nothing here writes. */

/** A number that moves whenever this process wrote anything. Costs nothing. */
export function writes(store: Store): number {
  return store.get<{ n: number }>("SELECT total_changes() AS n")!.n;
}

/**
 * Up to where the journal will not change any more: below the first model call under way. Whoever has read so far and comes back
 * has missed nothing before it. A call that a crash cut off counts only while its run goes on.
 */
export function settledUpTo(store: Store): number {
  return store.get<{ id: number }>(
    `SELECT coalesce(
       (SELECT min(steps.id) - 1 FROM steps WHERE outcome = 'started' AND run IN (SELECT id FROM runs WHERE state IN ('running', 'delivering'))),
       (SELECT max(id) FROM steps), 0) AS id`,
  )!.id;
}

/** Steps after one, oldest first. */
export function stepsAfter(store: Store, id: number, count: number): StepRow[] {
  return store.all<StepRow>(
    `SELECT id, run, kind, at, took_ms, outcome, provider, model, input_tokens, cached_tokens, output_tokens, usd, detail
     FROM steps WHERE id > ? ORDER BY id LIMIT ?`,
    id,
    count,
  );
}

export interface RunNews {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly outcome: string | null;
  readonly started_at: number;
  readonly ended_at: number | null;
}

/** Runs that are open, and the newest of those that are over. */
export function newestRuns(store: Store, count: number): RunNews[] {
  return store.all<RunNews>(
    `SELECT id, kind, state, outcome, started_at, ended_at FROM runs WHERE state IN ('running', 'delivering')
     UNION SELECT * FROM (SELECT id, kind, state, outcome, started_at, ended_at FROM runs ORDER BY started_at DESC LIMIT ?)
     ORDER BY started_at`,
    count,
  );
}
