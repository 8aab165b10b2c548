import type { Note } from "./memory.ts";
import type { Store } from "./open.ts";
import type { DayCost } from "./steps.ts";

/** What the dashboard counts and sums. Nothing here writes. */

/** Model calls of one day, model and kind of run. */
export interface KindCost extends DayCost {
  readonly kind: string;
}

/** What was spent since a time (ms), by day, model and what caused it, newest day first. */
export function costByKind(store: Store, since: number): KindCost[] {
  return store.all<KindCost>(
    `SELECT coalesce(day, date(at / 1000, 'unixepoch')) AS day, provider, model, runs.kind AS kind, count(*) AS calls,
       sum(steps.outcome NOT IN ('ok', 'started')) AS failed, coalesce(sum(input_tokens), 0) AS inputTokens,
       coalesce(sum(cached_tokens), 0) AS cachedTokens, coalesce(sum(output_tokens), 0) AS outputTokens,
       sum(usd) AS usd, sum(took_ms) AS tookMs
     FROM steps JOIN runs ON runs.id = steps.run WHERE usd IS NOT NULL AND at >= ?
     GROUP BY 1, 2, 3, 4 ORDER BY 1 DESC, usd DESC`,
    since,
  );
}

export interface KeptNote extends Note {
  /** The post that asked for it. */
  readonly source: string;
}

/** What the agent was asked to keep, newest first; only notes with the text in them where one is given. */
export function keptNotes(store: Store, text: string, count: number): KeptNote[] {
  return store.all<KeptNote>(
    `SELECT id, kind, text, author, name, at, source FROM notes
     WHERE instr(lower(text || ' ' || name), lower(?)) > 0 ORDER BY kind, id DESC LIMIT ?`,
    text,
    count,
  );
}

/** Everything that is counted for metrics, since the database began. */
export interface Totals {
  readonly runs: readonly { state: string; n: number }[];
  readonly calls: readonly {
    provider: string;
    model: string;
    outcome: string;
    n: number;
    usd: number;
    input: number;
    output: number;
  }[];
  /** Of answered mentions: how many were answered within each bound (seconds, cumulative), all, and their sum in seconds. */
  readonly answers: { readonly within: readonly number[]; readonly n: number; readonly sum: number };
}

/** Upper bounds of the histogram of mention to answer, seconds. */
export const answerBounds = [0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800] as const;

export function totals(store: Store): Totals {
  const within = answerBounds.map((bound) => `coalesce(sum(ms <= ${bound * 1000}), 0)`).join(", ");
  const answers = store.get<{ within: string; n: number; ms: number }>(
    `SELECT json_array(${within}) AS within, count(*) AS n, coalesce(sum(ms), 0) AS ms FROM (
       SELECT max(0, sent_at - received_at) AS ms FROM outbox JOIN runs ON runs.id = outbox.run JOIN inbox ON inbox.id = runs.inbox
       WHERE part = 0 AND outbox.state = 'sent' AND runs.kind = 'mention')`,
  )!;
  return {
    runs: store.all("SELECT state, count(*) AS n FROM runs GROUP BY state ORDER BY state"),
    calls: store.all(
      `SELECT provider, model, CASE outcome WHEN 'ok' THEN 'ok' WHEN 'started' THEN 'started' ELSE 'failed' END AS outcome, count(*) AS n,
         sum(usd) AS usd, coalesce(sum(input_tokens), 0) AS input, coalesce(sum(output_tokens), 0) AS output
       FROM steps WHERE kind = 'model' AND usd IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    ),
    answers: { within: JSON.parse(answers.within) as number[], n: answers.n, sum: answers.ms / 1000 },
  };
}

/** The last thing that went wrong, in the words of the journal. */
export function lastFailure(store: Store): { run: string; at: number; outcome: string } | undefined {
  return store.get(
    `SELECT id AS run, coalesce(ended_at, started_at) AS at, coalesce(outcome, '') AS outcome FROM runs
     WHERE state = 'failed' ORDER BY started_at DESC LIMIT 1`,
  );
}
