import type { Store } from "./open.ts";

/** One line of a run's journal. Money in US dollars, `tookMs` and `at` in milliseconds. */
export interface StepRecord {
  readonly run: string;
  readonly kind: "ack" | "context" | "model" | "deliver" | "budget";
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

/** Notes a model call before it is made, with the most it may cost; what crashes in between stays counted. Gives the step. */
export function reserveCall(store: Store, step: StepRecord & { readonly usd: number }): number {
  return store.run(
    "INSERT INTO steps (run, kind, at, outcome, provider, model, usd) VALUES (?, ?, ?, ?, ?, ?, ?)",
    step.run,
    step.kind,
    step.at,
    step.outcome,
    step.provider ?? null,
    step.model ?? null,
    step.usd,
  ).lastId;
}

/** Replaces a reservation by what happened. */
export function settleCall(store: Store, id: number, result: Omit<StepRecord, "run" | "kind" | "at">): void {
  store.run(
    `UPDATE steps SET outcome = ?, took_ms = ?, input_tokens = ?, cached_tokens = ?, output_tokens = ?, usd = coalesce(?, usd), detail = ? WHERE id = ?`,
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

/** What model calls cost since a time (ms), in US dollars; of one run when named. */
export function spentSince(store: Store, since: number): number {
  return store.get<{ usd: number }>(
    "SELECT coalesce(sum(usd), 0) AS usd FROM steps WHERE usd IS NOT NULL AND at >= ?",
    since,
  )!.usd;
}

export function spentByRun(store: Store, run: string): number {
  return store.get<{ usd: number }>("SELECT coalesce(sum(usd), 0) AS usd FROM steps WHERE run = ?", run)!.usd;
}
