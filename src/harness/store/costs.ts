import type { Store } from "./open.ts";

/** Model calls, summed. Tokens that a provider had in its cache are also in `inputTokens`. */
export interface CallSums {
  readonly calls: number;
  /** Of these, calls that gave no answer. */
  readonly failed: number;
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly usd: number;
  /** Milliseconds that all calls took together. */
  readonly tookMs: number;
}

/** What calls are told apart by: the day that they count for, the model, and the kind of run that they were for. */
export type CostKey = "day" | "provider" | "model" | "kind";

/** Model calls of one day with one model. */
export type DayCost = CallSums & Readonly<Record<"day" | "provider" | "model", string>>;

/** What was spent from a day on (`2026-11-21`), summed and sorted by `keys`; calls under way with the most that they may cost. */
export function costBy<K extends CostKey>(
  store: Store,
  keys: readonly K[],
  fromDay: string,
): (CallSums & Readonly<Record<K, string>>)[] {
  return store.all<CallSums & Readonly<Record<K, string>>>(
    `SELECT ${keys.join(", ")}, sum(calls) AS calls, sum(failed) AS failed, sum(input_tokens) AS inputTokens,
       sum(cached_tokens) AS cachedTokens, sum(output_tokens) AS outputTokens, sum(usd) AS usd, sum(took_ms) AS tookMs
     FROM (
       SELECT day, provider, model, kind, calls, failed, input_tokens, cached_tokens, output_tokens, usd, took_ms FROM costs
       UNION ALL
       SELECT coalesce(day, date(at / 1000, 'unixepoch')), provider, model, runs.kind, 1, 0, coalesce(input_tokens, 0),
         coalesce(cached_tokens, 0), coalesce(output_tokens, 0), usd, took_ms
       FROM steps JOIN runs ON runs.id = steps.run WHERE steps.outcome = 'started' AND usd IS NOT NULL)
     WHERE day >= ? GROUP BY ${keys.join(", ")} ORDER BY ${keys.join(", ")}`,
    fromDay,
  );
}
