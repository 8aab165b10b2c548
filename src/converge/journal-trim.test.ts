import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { JournalEntry } from "./change.ts";
import type { RunRecord } from "./history.ts";
import { planReset } from "./reset.ts";
import { planRollback } from "./rollback.ts";

// What a host forgets of its journal after a setup, by the functions that it runs.

let base = "";
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "olympus-journal-"));
  mkdirSync(`${base}/J/saved`, { recursive: true });
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const sumOf = (run: number, path: string): string => `${path.length}${run}`.padStart(64, "a");

/** The `run`-th run changed the file once more; `saved` is how much stood there before, in KiB. */
function changed(run: number, path: string, saved = 1): JournalEntry {
  const sha256 = sumOf(run, path);
  writeFileSync(`${base}/J/saved/${sha256}`, Buffer.alloc(saved * 1024, run));
  const before = { type: "file" as const, mode: "0644", owner: "root", group: "root", sha256 };
  return {
    v: 2,
    role: "base",
    id: path,
    run: `run${run}`,
    resource: `path:${path}`,
    undo: { do: "path", path, before },
  };
}

function trim(entries: readonly JournalEntry[], settings = ""): JournalEntry[] {
  const journal = `${base}/J/journal.jsonl`;
  writeFileSync(journal, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
  const functions = ["prelude.sh", "journal.sh"].map((name) => readFileSync(join(import.meta.dirname, name), "utf8"));
  const text = [`M=m R=${base} J=${base}/J B=${base}`, ...functions, settings, "trim_journal"].join("\n");
  const { status, stdout, stderr } = spawnSync("sh", ["-c", text], { encoding: "utf8" });
  expect([status, stdout, stderr]).toEqual([0, "", ""]);
  return readFileSync(journal, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as JournalEntry);
}

const saved = (): string[] => readdirSync(`${base}/J/saved`).sort();
const runs = (entries: readonly JournalEntry[]): string[] => entries.map(({ run }) => run);
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);

it("what a reset needs stays for good, what a rollback needs for ten runs", () => {
  const odd = '/etc/a "quoted", \\"undo\\": {back\\slash}';
  const entries = [
    changed(1, odd),
    ...range(1, 30).map((run) => changed(run, "/etc/x")),
    { ...changed(30, odd), role: "other" },
    changed(30, odd),
  ];
  const left = trim(entries);
  expect(runs(left)).toEqual(["run1", "run1", ...range(21, 30).map((run) => `run${run}`), "run30", "run30"]);
  expect(planReset(left, [], ["base", "other"], []).undo).toEqual(planReset(entries, [], ["base", "other"], []).undo);
  const rolledBack = (lines: readonly JournalEntry[]) => {
    const newest: RunRecord = { run: "run30", who: "kim", what: "role setup all", since: 1, changes: 2 };
    const journal = lines.map((line) => JSON.stringify(line));
    return planRollback("ares", { journal, history: [JSON.stringify(newest)], epoch: 0 }).undo;
  };
  expect(rolledBack(left)).toEqual(rolledBack(entries));
  expect(saved()).toEqual(
    [sumOf(1, odd), sumOf(30, odd), ...[1, ...range(21, 30)].map((run) => sumOf(run, "/etc/x"))].sort(),
  );
  expect(trim(left)).toEqual(left);
});

it("of what takes much room, the newest run's alone stays beside what a reset needs, however much that is", () => {
  const entries = range(1, 5).map((run) => changed(run, "/etc/large", 100));
  expect(runs(trim(entries, "trim_kilobytes=500"))).toEqual(runs(entries));
  expect(runs(trim(entries, "trim_kilobytes=300"))).toEqual(["run1", "run5"]);
  expect(saved()).toEqual([sumOf(1, "/etc/large"), sumOf(5, "/etc/large")].sort());
});
