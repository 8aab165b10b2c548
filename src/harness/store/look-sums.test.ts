import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fillPast } from "../../../test/support/past.ts";
import { costBy } from "./costs.ts";
import { answerBounds, totals } from "./look-sums.ts";
import { migrations } from "./migrations.ts";
import { openStore, Store } from "./open.ts";
import { reserveCall, settleCall } from "./steps.ts";

const now = Date.parse("2026-11-21T12:00:00Z");
/** The version that begins to keep sums. */
const summing = migrations.findIndex((sql) => sql.includes("CREATE TABLE costs"));
let dir: string;
let store: Store;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "olympus-sums-"));
  store = openStore(dir);
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

/** Counted from the journal itself. */
const counted = (from: Store) =>
  from.all(
    `SELECT day, provider, model, runs.kind AS kind, count(*) AS calls, sum(steps.outcome NOT IN ('ok', 'started')) AS failed,
       sum(input_tokens) AS inputTokens, coalesce(sum(cached_tokens), 0) AS cachedTokens, sum(output_tokens) AS outputTokens,
       round(sum(usd), 6) AS usd, sum(took_ms) AS tookMs
     FROM steps JOIN runs ON runs.id = steps.run WHERE usd IS NOT NULL GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`,
  );
const summed = (from: Store) =>
  costBy(from, ["day", "provider", "model", "kind"], "2026-01-01").map((row) => ({
    ...row,
    usd: Math.round(row.usd * 1e6) / 1e6,
  }));

test("sums are those of the journal, with calls that are under way", () => {
  fillPast(store, 120, 30, now);
  const call = { run: "past7-1", day: "2026-11-21", provider: "rehearsal", model: "rehearsal", usd: 1 };
  const open = reserveCall(store, { ...call, at: now, inputTokens: 5, outputTokens: 6 });
  expect(summed(store)).toEqual(counted(store));
  expect(totals(store).calls.reduce((sum, { calls }) => sum + calls, 0)).toBe(360);
  settleCall(store, open, { outcome: "timeout", usd: 0.5 });
  expect(summed(store)).toEqual(counted(store));
  const { calls, answers, runs } = totals(store);
  expect(calls.map(({ model, calls: all, failed }) => [model, all, failed])).toEqual([
    ["rehearsal", 181, 10],
    ["rehearsal-small", 180, 0],
  ]);
  expect(answers).toEqual({ within: answerBounds.map((bound) => (bound < 10 ? 0 : 120)), n: 120, sum: 1200 });
  expect(runs).toEqual([{ state: "done", n: 120 }]);
});

test("a database of before is summed once", () => {
  fillPast(store, 20, 5, now);
  const sums = [summed(store), totals(store)];
  store.close();
  // As that version had it: nothing of the sums, the journal whole.
  const db = new DatabaseSync(join(dir, "harness.sqlite"));
  db.exec("DROP TABLE costs; DROP TABLE answer_times; DROP INDEX steps_started; DROP INDEX runs_state");
  db.exec("DROP TRIGGER costs_insert; DROP TRIGGER costs_update; DROP TRIGGER answered");
  db.exec(migrations[summing]!);
  store = new Store(db);
  expect([summed(store), totals(store)]).toEqual(sums);
});

test("what is asked for while people look on reads no journal from end to end", () => {
  const asked: string[] = [];
  const all = store.all.bind(store);
  store.all = (sql, ...values) => {
    asked.push(sql);
    return all(sql, ...values);
  };
  totals(store);
  costBy(store, ["day"], "2026-01-01");
  for (const sql of asked) {
    const plan = all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, ...(sql.includes("?") ? ["2026-01-01"] : []));
    const whole = plan
      .map(({ detail }) => detail)
      .filter((detail) => /SCAN (steps|runs|outbox)(?! USING)/.test(detail));
    expect([sql, whole]).toEqual([sql, []]);
  }
  expect(asked).toHaveLength(4);
});
