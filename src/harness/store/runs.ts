import { audit } from "../audit/audit.ts";
import type { InboxKind } from "./inbox.ts";
import type { Store } from "./open.ts";
import { forgetTurns } from "./turns.ts";

/** A run that is not finished: `running` has no answer yet, `delivering` has its answer in the outbox. */
export interface OpenRun {
  readonly id: string;
  readonly inbox: number;
  readonly lane: string;
  readonly kind: InboxKind;
  readonly state: "running" | "delivering";
  /** How often it was begun: more than once after a crash. What an orderly stop left is not counted. */
  readonly starts: number;
  readonly source: string;
  readonly sourceId: string;
  readonly author: string;
  readonly createdAt: number;
  readonly payload: string;
}

/** How a run is: those of `OpenRun`, and how it ended. */
export const runStates = ["running", "delivering", "done", "failed"] as const;

export interface RunSummary {
  readonly id: string;
  readonly lane: string;
  readonly kind: string;
  readonly state: string;
  readonly outcome: string | null;
  /** The chat's id of who asked. */
  readonly author: string;
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly usd: number;
}

const openRun = `SELECT runs.id, inbox, runs.lane, runs.kind, runs.state, starts, source, source_id AS sourceId, author,
  created_at AS createdAt, payload FROM runs JOIN inbox ON inbox.id = runs.inbox`;

/** The run of an inbox entry: agents that speak of the same thing have runs of the same name. */
export const runIdOf = (sourceId: string): string => `${sourceId}-1`;

/**
 * Claims the oldest waiting entry (of a kind, or of any but one) whose lane is free, as a run that has begun. Undefined when there is none.
 */
export function claimNext(store: Store, now: number, only?: InboxKind, but?: InboxKind): OpenRun | undefined {
  return store.transaction(() => {
    const entry = store.get<{ id: number; source_id: string; lane: string; kind: string }>(
      `SELECT inbox.id, source_id, lane, kind FROM inbox LEFT JOIN lanes ON lanes.key = inbox.lane
       WHERE state = 'new' AND lanes.run IS NULL AND (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR kind <> ?2)
       ORDER BY priority, created_at, inbox.id LIMIT 1`,
      only ?? null,
      but ?? null,
    );
    if (entry === undefined) return undefined;
    const id = runIdOf(entry.source_id);
    store.run("UPDATE inbox SET state = 'claimed' WHERE id = ?", entry.id);
    store.run(
      "INSERT INTO runs (id, inbox, lane, kind, state, starts, started_at) VALUES (?, ?, ?, ?, 'running', 1, ?)",
      id,
      entry.id,
      entry.lane,
      entry.kind,
      now,
    );
    store.run(
      `INSERT INTO lanes (key, run, updated_at) VALUES (?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET run = excluded.run, updated_at = excluded.updated_at`,
      entry.lane,
      id,
      now,
    );
    return store.get<OpenRun>(`${openRun} WHERE runs.id = ?`, id);
  });
}

/** Runs that a former process left open, oldest first, each counted as begun once more. Called once, at start. */
export function resumeOpen(store: Store): OpenRun[] {
  return store.transaction(() => {
    store.run("UPDATE runs SET starts = starts + 1 WHERE state = 'running'");
    return store.all<OpenRun>(
      `${openRun} WHERE runs.state IN ('running', 'delivering') ORDER BY runs.started_at, runs.id`,
    );
  });
}

/** Runs that an orderly stop leaves to the next process: that they were begun here says nothing against them. */
export function leaveOpen(store: Store, left: readonly { readonly run: Pick<OpenRun, "id"> }[]): void {
  store.transaction(() => {
    for (const { run } of left)
      store.run("UPDATE runs SET starts = starts - 1 WHERE id = ? AND state = 'running'", run.id);
  });
}

/** Ends a run and frees its lane. */
export function finish(
  store: Store,
  run: Pick<OpenRun, "id" | "inbox" | "lane">,
  state: "done" | "failed",
  outcome: string,
  now: number,
): void {
  store.transaction(() => {
    store.run("UPDATE runs SET state = ?, outcome = ?, ended_at = ? WHERE id = ?", state, outcome, now, run.id);
    forgetTurns(store, run.id);
    store.run("UPDATE inbox SET state = 'done' WHERE id = ?", run.inbox);
    store.run("UPDATE lanes SET run = NULL, updated_at = ? WHERE key = ?", now, run.lane);
    audit(store, { kind: "decision", actor: "harness", what: state, run: run.id, evidence: { outcome } }, now);
  });
}

/** How a run ended; undefined for one that has not, or is not known. */
export function runOutcome(store: Store, id: string): string | undefined {
  return store.get<{ outcome: string | null }>("SELECT outcome FROM runs WHERE id = ?", id)?.outcome ?? undefined;
}

/** The newest runs first, with what their model calls cost. */
export function recentRuns(store: Store, count: number): RunSummary[] {
  return store.all<RunSummary>(
    `SELECT runs.id, runs.lane, runs.kind, runs.state, outcome, author, started_at, ended_at,
       coalesce((SELECT sum(usd) FROM steps WHERE run = runs.id), 0) AS usd
     FROM runs JOIN inbox ON inbox.id = runs.inbox ORDER BY started_at DESC, runs.rowid DESC LIMIT ?`,
    count,
  );
}
