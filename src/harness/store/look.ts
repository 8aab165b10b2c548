import type { Store } from "./open.ts";
import type { RunSummary } from "./runs.ts";
import type { Change } from "./turns.ts";

/**
 * What the dashboard reads of runs. Nothing here writes. Times in ms since the epoch, money in US dollars. `askedLength`: of what was
 * asked, how many characters are wanted.
 */

export interface RunRow extends RunSummary {
  readonly steps: number;
  /** What was asked, cut. */
  readonly asked: string;
}

export interface StepRow {
  readonly id: number;
  readonly run: string;
  readonly kind: string;
  readonly at: number;
  readonly took_ms: number;
  readonly outcome: string;
  readonly provider: string | null;
  readonly model: string | null;
  readonly input_tokens: number | null;
  readonly cached_tokens: number | null;
  readonly output_tokens: number | null;
  readonly usd: number | null;
  readonly detail: string | null;
}

export interface RunFilter {
  readonly state?: string | undefined;
  readonly kind?: string | undefined;
  readonly author?: string | undefined;
  /** Part of what was asked or of the outcome. */
  readonly text?: string | undefined;
  /** Only runs that began before this, ms: the next page. */
  readonly before?: number | undefined;
  /** Only runs that began at or after this, ms. */
  readonly from?: number | undefined;
}

const columns = (
  askedLength: number,
) => `runs.id, runs.lane, runs.kind, runs.state, outcome, author, started_at, ended_at,
  coalesce((SELECT sum(usd) FROM steps WHERE run = runs.id), 0) AS usd,
  (SELECT count(*) FROM steps WHERE run = runs.id) AS steps,
  ${askedColumn(askedLength)}`;

const askedColumn = (length: number) => `substr(coalesce(payload ->> 'text', ''), 1, ${length}) AS asked`;

/** Runs that fit, the newest first. */
export function findRuns(store: Store, filter: RunFilter, count: number, askedLength: number): RunRow[] {
  const { state, kind, author, text, before, from } = filter;
  const wanted: [string, string | number | undefined][] = [
    ["runs.state = ?", state],
    ["runs.kind = ?", kind],
    ["author = ?", author],
    // instr and no LIKE: what is looked for has no signs of its own.
    ["instr(lower(coalesce(payload ->> 'text', '') || ' ' || coalesce(outcome, '')), lower(?)) > 0", text],
    ["started_at < ?", before],
    ["started_at >= ?", from],
  ];
  const given = wanted.filter((one): one is [string, string | number] => one[1] !== undefined);
  const where = given.length === 0 ? "" : `WHERE ${given.map(([condition]) => condition).join(" AND ")}`;
  return store.all<RunRow>(
    `SELECT ${columns(askedLength)} FROM runs JOIN inbox ON inbox.id = runs.inbox ${where} ORDER BY started_at DESC, runs.rowid DESC LIMIT ?`,
    ...given.map(([, value]) => value),
    count,
  );
}

/** Runs that one search for words looks through: each is read whole. */
const mostSearched = 3000;

/** Where a search among runs that began before `before` ends (ms), its last run included; undefined where it reaches the first of all. */
export function searchEnd(store: Store, before: number = Number.MAX_SAFE_INTEGER): number | undefined {
  const sql = "SELECT started_at AS at FROM runs WHERE started_at < ? ORDER BY started_at DESC LIMIT 1 OFFSET ?";
  const last = store.get<{ at: number }>(sql, before, mostSearched - 1)?.at;
  const older = last !== undefined && store.get("SELECT 1 FROM runs WHERE started_at < ? LIMIT 1", last);
  return older ? last : undefined;
}

export interface RunDetail extends RunRow {
  readonly starts: number;
  readonly source: string;
  readonly source_id: string;
  readonly received_at: number;
  readonly payload: string;
}

export function runDetail(store: Store, id: string, askedLength: number): RunDetail | undefined {
  return store.get<RunDetail>(
    `SELECT ${columns(askedLength)}, starts, source, source_id, received_at, payload FROM runs JOIN inbox ON inbox.id = runs.inbox WHERE runs.id = ?`,
    id,
  );
}

/** A run's journal, oldest first: `count` steps before the newest `skip`. */
export function stepsOf(store: Store, run: string, count: number, skip: number): StepRow[] {
  return store
    .all<StepRow>(
      `SELECT id, run, kind, at, took_ms, outcome, provider, model, input_tokens, cached_tokens, output_tokens, usd, detail
       FROM steps WHERE run = ? ORDER BY id DESC LIMIT ? OFFSET ?`,
      run,
      count,
      skip,
    )
    .reverse();
}

export interface PartRow {
  readonly part: number;
  readonly payload: string;
  readonly state: string;
  readonly attempts: number;
  readonly error: string | null;
  readonly sent_at: number | null;
}

/** What a run handed over for delivery, in order. */
export function partsOf(store: Store, run: string): PartRow[] {
  return store.all<PartRow>(
    "SELECT part, payload, state, attempts, error, sent_at FROM outbox WHERE run = ? ORDER BY part",
    run,
  );
}

export interface MessageRow {
  readonly part: string;
  readonly seq: number;
  /** A ModelMessage as JSON. */
  readonly message: string;
}

/** Messages between harness and model, in order: `count` of them before the newest `skip`. Of runs long over they are gone. */
export function messagesOf(store: Store, run: string, count: number, skip: number): MessageRow[] {
  return store
    .all<MessageRow>(
      // The tenth task comes after the second.
      "SELECT part, seq, message FROM turns WHERE run = ? ORDER BY length(part) DESC, part DESC, seq DESC LIMIT ? OFFSET ?",
      run,
      count,
      skip,
    )
    .reverse();
}

/** One message between harness and model. */
export function messageOf(store: Store, run: string, part: string, seq: number): MessageRow | undefined {
  return store.get<MessageRow & object>(
    "SELECT part, seq, message FROM turns WHERE run = ? AND part = ? AND seq = ?",
    run,
    part,
    seq,
  );
}

/** How much there is to see of a run beside its steps. */
export function keptOf(store: Store, run: string): { messages: number; changes: number } {
  return store.get<{ messages: number; changes: number }>(
    "SELECT (SELECT count(*) FROM turns WHERE run = ?1) AS messages, (SELECT count(*) FROM changes WHERE run = ?1) AS changes",
    run,
  )!;
}

/** What a run changed in repositories. */
export function changesOf(store: Store, run: string): Change[] {
  return store.all<Change>("SELECT repo, head, diff FROM changes WHERE run = ? ORDER BY repo, head", run);
}

export interface QueuedRow {
  readonly kind: string;
  readonly lane: string;
  readonly author: string;
  readonly received_at: number;
  readonly asked: string;
}

/** What waits for its lane or a slot, in the order that it will be taken. */
export function queued(store: Store, count: number, askedLength: number): QueuedRow[] {
  return store.all<QueuedRow>(
    `SELECT kind, lane, author, received_at, ${askedColumn(askedLength)}
     FROM inbox WHERE state = 'new' ORDER BY created_at, id LIMIT ?`,
    count,
  );
}

/** How runs since a time (ms) ended: `done` 9, `failed` 1, those under way too. */
export function endedSince(store: Store, since: number): { state: string; n: number }[] {
  return store.all("SELECT state, count(*) AS n FROM runs WHERE started_at >= ? GROUP BY state ORDER BY state", since);
}

export interface ConversationRow {
  readonly lane: string;
  readonly runs: number;
  readonly last_at: number;
  readonly author: string;
  readonly asked: string;
}

/** Conversations, the one with the newest entry first; who asked last, and what. `before` (ms) gives the next page. */
export function conversations(store: Store, before: number, count: number, askedLength: number): ConversationRow[] {
  return store.all<ConversationRow>(
    // One pass over the runs for all lanes of the page; with max() alone, the other columns are of the newest run.
    `WITH page AS (SELECT key, updated_at FROM lanes WHERE updated_at < ? ORDER BY updated_at DESC LIMIT ?),
       last AS (SELECT lane, count(*) AS runs, max(started_at), inbox FROM runs WHERE lane IN (SELECT key FROM page) GROUP BY lane)
     SELECT page.key AS lane, coalesce(last.runs, 0) AS runs, page.updated_at AS last_at, coalesce(author, '') AS author,
       ${askedColumn(askedLength)}
     FROM page LEFT JOIN last ON last.lane = page.key LEFT JOIN inbox ON inbox.id = last.inbox ORDER BY page.updated_at DESC`,
    before,
    count,
  );
}

export interface SaidRow {
  readonly run: string;
  /** Undefined for the agent. */
  readonly author: string | null;
  readonly at: number;
  readonly text: string;
  readonly state: string;
}

/** What was asked and answered in a conversation, oldest first: `count` posts before the newest `skip`. */
export function conversation(store: Store, lane: string, count: number, skip: number): SaidRow[] {
  return store
    .all<SaidRow>(
      // Each run has a post at least: further back than that nothing is wanted.
      `WITH chosen AS (SELECT id, inbox, state FROM runs WHERE lane = ?1 ORDER BY started_at DESC LIMIT ?2 + ?3)
     SELECT chosen.id AS run, author, inbox.created_at AS at, coalesce(payload ->> 'text', '') AS text, chosen.state FROM chosen JOIN inbox ON inbox.id = chosen.inbox
     UNION ALL
     SELECT chosen.id, NULL, coalesce(outbox.sent_at, outbox.created_at), coalesce(payload ->> 'text', ''), outbox.state FROM chosen JOIN outbox ON outbox.run = chosen.id
     ORDER BY at DESC LIMIT ?2 OFFSET ?3`,
      lane,
      count,
      skip,
    )
    .reverse();
}

/** How many posts of a conversation there are: what was asked, and answers. */
export function saidIn(store: Store, lane: string): number {
  const { n } = store.get<{ n: number }>(
    "SELECT count(DISTINCT runs.id) + count(outbox.run) AS n FROM runs LEFT JOIN outbox ON outbox.run = runs.id WHERE lane = ?",
    lane,
  )!;
  return n;
}
