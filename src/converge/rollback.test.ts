import { describe, expect, it } from "vitest";
import type { JournalEntry } from "./change.ts";
import type { RunRecord } from "./history.ts";
import { planRollback } from "./rollback.ts";

const entry = (run: string, path: string, more: Partial<JournalEntry> = {}): JournalEntry => ({
  v: 2,
  role: "a",
  id: "x",
  run,
  resource: `path:${path}`,
  undo: { do: "path", path, before: { type: "absent" } },
  ...more,
});
const killed = (run: string, more: Partial<RunRecord> = {}): string[] => [
  JSON.stringify({ run, who: "kim@laptop", what: "role setup all", since: 1, changes: 3, ...more }),
];
const ended = (run: string, code: number, more: Partial<RunRecord> = {}): string[] => [
  ...killed(run, more),
  JSON.stringify({ run, ended: 2, code, step: "" }),
];
const back = { what: "role rollback all" };
const plan = (entries: readonly JournalEntry[], ...runs: readonly string[][]) =>
  planRollback("ares", { journal: entries.map((one) => JSON.stringify(one)), history: runs.flat(), epoch: 7201 });
const nothing = expect.objectContaining({ code: "E-ROLE-ROLLBACK", exit: 2, where: "ares" });

describe("rolling back", () => {
  const entries = [
    entry("r1", "/1"),
    entry("r2", "/2"),
    entry("r2", "/3", { data: "memory" }),
    entry("r2", "/2", { id: "again" }),
  ];
  const ids = (...runs: readonly string[][]) => plan(entries, ...runs).undo.map(({ id }) => id);

  it("undoes the newest run alone, newest first, and no data", () => {
    const { undo, keep, rest } = plan(entries, ended("r1", 0), ended("r2", 1));
    expect(undo.map(({ id }) => id)).toEqual(["again", "x"]);
    expect(keep).toEqual([entries[2]]);
    expect(rest).toEqual([entries[0], entries[2]]);
  });

  it("names the run that it undoes, also where one that found nothing to change came after it", () => {
    const sam = { who: "sam@desk", what: "role setup agent", since: 3601 };
    const mine = { what: "role setup agent", who: "sam@desk", since: 3601, secondsAgo: 3600 };
    expect(plan(entries, ended("r1", 0), ended("r2", 1, sam)).undoneRun).toEqual(mine);
    expect(plan(entries, ended("r2", 1, sam), ended("r3", 0, { changes: 0 })).undoneRun).toEqual(mine);
    expect(plan(entries, ended("r2", 1, sam), killed("r3", back)).undoneRun).toEqual(mine);
    expect(plan(entries, ended("r2", 1, { ...sam, since: 7300 })).undoneRun.secondsAgo).toBe(0);
  });

  it("never undoes an older run when the newest changed nothing, or took something away", () => {
    for (const newest of [ended("r3", 1), ended("r3", 0), ended("r3", 1, { changes: 0 }), killed("r3")]) {
      expect(() => ids(ended("r1", 0), ended("r2", 0), newest)).toThrow(nothing);
    }
    expect(() => plan([])).toThrow(nothing);
    expect(() => plan([entry("", "/1")])).toThrow(nothing);
  });

  it("goes on with one that was cut off or failed, and is over once it is done", () => {
    for (const half of [killed("r3", back), ended("r3", 1, back)]) {
      expect(ids(ended("r1", 0), ended("r2", 1), half)).toEqual(["again", "x"]);
    }
    expect(() => ids(ended("r1", 0), ended("r2", 1), ended("r3", 0, back))).toThrow(nothing);
  });

  it("passes over a run that only noted what roles stand for", () => {
    expect(ids(ended("r1", 0), ended("r2", 1), ended("r3", 0, { changes: 0 }))).toEqual(["again", "x"]);
  });
});
