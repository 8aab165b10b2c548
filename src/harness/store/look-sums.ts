import type { Note } from "./memory.ts";
import type { Store } from "./open.ts";

/** What the dashboard counts and sums. Nothing here writes. */

export interface KeptNote extends Note {
  /** The post that asked for it. */
  readonly source: string;
}

/** Only notes with a text in them. */
const withText = "instr(lower(text || ' ' || name), lower(?)) > 0";

/** What the agent was asked to keep, newest first; only notes with the text in them where one is given. */
export function keptNotes(store: Store, text: string, count: number, skip: number): KeptNote[] {
  return store.all<KeptNote>(
    `SELECT id, kind, text, author, name, at, source FROM notes
     WHERE ${withText} ORDER BY kind, id DESC LIMIT ? OFFSET ?`,
    text,
    count,
    skip,
  );
}

/** How many of them there are. */
export function countKept(store: Store, text: string): number {
  return store.get<{ n: number }>(`SELECT count(*) AS n FROM notes WHERE ${withText}`, text)!.n;
}

/** Everything that is counted for metrics, since the database began. */
export interface Totals {
  readonly runs: readonly { state: string; n: number }[];
  /** Calls to models that are over. */
  readonly calls: readonly ModelTotals[];
  /** Of answered mentions: how many were answered within each bound (seconds, cumulative), all, and their sum in seconds. */
  readonly answers: { readonly within: readonly number[]; readonly n: number; readonly sum: number };
}

export interface ModelTotals {
  readonly provider: string;
  readonly model: string;
  readonly calls: number;
  /** Of these. */
  readonly failed: number;
  readonly usd: number;
  readonly input: number;
  readonly output: number;
}

/** Upper bounds of the histogram of mention to answer, seconds: those that the database counts by. */
export const answerBounds = [0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800] as const;

export function totals(store: Store): Totals {
  const times = store.all<{ bound: number; n: number; ms: number }>("SELECT bound, n, ms FROM answer_times");
  const sum = (rows: typeof times, of: "n" | "ms") => rows.reduce((all, row) => all + row[of], 0);
  const upTo = (ms: number) => times.filter(({ bound }) => bound > 0 && bound <= ms);
  return {
    runs: store.all("SELECT state, count(*) AS n FROM runs GROUP BY state ORDER BY state"),
    calls: store.all(
      `SELECT provider, model, sum(calls) AS calls, sum(failed) AS failed, sum(usd) AS usd, sum(input_tokens) AS input,
         sum(output_tokens) AS output FROM costs GROUP BY 1, 2 ORDER BY 1, 2`,
    ),
    answers: {
      within: answerBounds.map((bound) => sum(upTo(bound * 1000), "n")),
      n: sum(times, "n"),
      sum: sum(times, "ms") / 1000,
    },
  };
}

/** The last thing that went wrong, in the words of the journal. */
export function lastFailure(store: Store): { run: string; at: number; outcome: string } | undefined {
  return store.get(
    `SELECT id AS run, coalesce(ended_at, started_at) AS at, coalesce(outcome, '') AS outcome FROM runs
     WHERE state = 'failed' ORDER BY started_at DESC LIMIT 1`,
  );
}

/**
 * When the run under way that shows least life did something last (ms); undefined where nothing is under way. One that waits for a person
 * in its middle owes no sign of life: that wait is told of as a gate.
 */
export function quietSince(store: Store): number | undefined {
  const { at } = store.get<{ at: number | null }>(
    `SELECT min(last) AS at FROM (
       SELECT max(started_at, coalesce((SELECT max(at + took_ms) FROM steps WHERE run = runs.id), 0)) AS last
       FROM runs WHERE state IN ('running', 'delivering') AND id NOT IN (
         SELECT value ->> 'run' FROM gates WHERE state = 'asked' AND value ->> 'repo' = ''))`,
  )!;
  return at ?? undefined;
}
