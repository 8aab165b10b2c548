import { audit } from "../audit/audit.ts";
import type { Store } from "./open.ts";

/** One line of a run's journal. Money in US dollars, `tookMs` and `at` in milliseconds. */
export interface StepRecord {
  readonly run: string;
  readonly kind: "ack" | "context" | "model" | "tool" | "egress" | "deliver" | "budget" | "secret" | "approval";
  readonly at: number;
  readonly tookMs?: number;
  /** `ok`, or the class of what went wrong. */
  readonly outcome: string;
  readonly provider?: string;
  readonly model?: string;
  readonly inputTokens?: number;
  readonly cachedTokens?: number;
  readonly outputTokens?: number;
  readonly usd?: number;
  readonly detail?: string;
}

export function recordStep(store: Store, step: StepRecord): void {
  store.run(
    `INSERT INTO steps (run, kind, at, took_ms, outcome, provider, model, input_tokens, cached_tokens, output_tokens, usd, detail)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    step.run,
    step.kind,
    step.at,
    Math.round(step.tookMs ?? 0),
    step.outcome,
    step.provider ?? null,
    step.model ?? null,
    step.inputTokens ?? null,
    step.cachedTokens ?? null,
    step.outputTokens ?? null,
    step.usd ?? null,
    step.detail ?? null,
  );
}

/** That a command was kept from connecting somewhere. The sandbox is tried under a name that is no run's: then there is no journal. */
export function noteRefusal(store: Store, run: string, target: string, now: number): void {
  if (store.get("SELECT 1 FROM runs WHERE id = ?", run) === undefined) return;
  store.transaction(() => {
    recordStep(store, { run, kind: "egress", at: now, outcome: "refused", detail: target.slice(0, 300) });
    audit(store, { kind: "refusal", actor: "model", what: "connect", subject: target, run }, now);
  });
}

/** Money in US dollars; tokens sent and received. */
export interface Spent {
  readonly usd: number;
  readonly tokens: number;
}

/** A model call that is about to leave, with the most it may cost. */
export interface Reservation {
  readonly run: string;
  readonly at: number;
  /** The day that it counts for, `2026-11-21`. */
  readonly day: string;
  readonly provider: string;
  readonly model: string;
  readonly usd: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Notes a model call before it is made; what crashes in between stays counted. Gives the step. */
export function reserveCall(store: Store, call: Reservation): number {
  return store.run(
    `INSERT INTO steps (run, kind, at, day, outcome, provider, model, input_tokens, output_tokens, usd)
     VALUES (?, 'model', ?, ?, 'started', ?, ?, ?, ?, ?)`,
    call.run,
    call.at,
    call.day,
    call.provider,
    call.model,
    call.inputTokens,
    call.outputTokens,
    call.usd,
  ).id;
}

/** Replaces a reservation by what happened; what is not given stays as it was reserved. */
export function settleCall(store: Store, id: number, result: Omit<StepRecord, "run" | "kind" | "at">): void {
  store.run(
    `UPDATE steps SET outcome = ?, took_ms = ?, input_tokens = coalesce(?, input_tokens), cached_tokens = ?,
       output_tokens = coalesce(?, output_tokens), usd = coalesce(?, usd), detail = ? WHERE id = ?`,
    result.outcome,
    Math.round(result.tookMs ?? 0),
    result.inputTokens ?? null,
    result.cachedTokens ?? null,
    result.outputTokens ?? null,
    result.usd ?? null,
    result.detail ?? null,
    id,
  );
}

const spent =
  "SELECT coalesce(sum(usd), 0) AS usd, coalesce(sum(input_tokens + output_tokens), 0) AS tokens FROM steps WHERE usd IS NOT NULL";

/** What model calls cost since a time (ms), those under way with the most they may cost. */
export function spentSince(store: Store, since: number): Spent {
  return store.get<Spent & object>(`${spent} AND at >= ?`, since)!;
}

export function spentByRun(store: Store, run: string): Spent {
  return store.get<Spent & object>(`${spent} AND run = ?`, run)!;
}
