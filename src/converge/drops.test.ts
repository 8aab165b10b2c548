import { describe, expect, it } from "vitest";
import type { JournalEntry, Undo } from "./change.ts";
import { dropsSomething, planDrops } from "./drops.ts";
import { claimsOf } from "./journal.ts";
import { planRollback } from "./rollback.ts";

const entry = (role: string, resource: string, more: Partial<JournalEntry> = {}): JournalEntry => ({
  v: 2,
  role,
  id: "x",
  run: "r1",
  resource,
  undo: { do: "path", path: resource.slice("path:".length), before: { type: "absent" } },
  ...more,
});

describe("what a role no longer wishes", () => {
  const before = [claimsOf("a", ["path:/old", "path:/new"]), claimsOf("b", ["path:/theirs"])];
  const now = [claimsOf("a", ["path:/new"])];

  it("is undone; what is still wished, and what nobody ever claimed, stays", () => {
    const entries = [
      entry("a", "path:/old"),
      entry("a", "path:/new"),
      entry("a", "path:/never"),
      entry("b", "path:/b"),
    ];
    const plan = planDrops(entries, { before, now });
    expect(plan.undo).toEqual([entries[0]]);
    expect(plan.rest).toEqual(entries.slice(1));
    expect(dropsSomething({ before, now })).toBe(true);
    expect(dropsSomething({ before, now: [claimsOf("a", ["path:/old", "path:/new", "path:/more"])] })).toBe(false);
    expect(dropsSomething({ before: [], now })).toBe(false);
  });

  it("passes to another role that stands for it, also one of the same run", () => {
    const old = [claimsOf("a", ["path:/x"]), claimsOf("b", ["path:/x"])];
    const none = [claimsOf("a", [])];
    expect(planDrops([entry("a", "path:/x")], { before: old, now: none })).toMatchObject({
      undo: [],
      rest: [{ role: "b" }],
    });
    const moved = [claimsOf("a", []), claimsOf("c", ["path:/x"])];
    expect(planDrops([entry("a", "path:/x")], { before: [old[0]!], now: moved }).rest).toMatchObject([{ role: "c" }]);
  });

  it("stays when it is data, or was to be left", () => {
    const data = entry("a", "path:/old", { data: "memory" });
    expect(planDrops([data], { before, now })).toMatchObject({ undo: [], keep: [data], rest: [data] });
    const left = entry("a", "path:/old", { leave: true });
    expect(planDrops([left], { before, now })).toMatchObject({ undo: [], keep: [], rest: [left] });
  });

  it("is one package of an entry; those still wished keep theirs, another role's passes to it", () => {
    const undo = (names: string[]): Undo => ({ do: "packages", names, list: "l", how: "purge" });
    const entries = [entry("a", "packages:jq,vim,git", { undo: undo(["jq", "vim", "git"]) })];
    const old = [claimsOf("a", ["package:jq", "package:vim", "package:git"]), claimsOf("b", ["package:git"])];
    const plan = planDrops(entries, { before: old, now: [claimsOf("a", ["package:jq"])] });
    expect(plan.undo.map((one) => one.undo)).toEqual([undo(["vim"])]);
    expect(plan.rest.map(({ role, undo: kept }) => [role, kept])).toEqual([
      ["a", undo(["jq"])],
      ["b", undo(["git"])],
    ]);
    expect([...plan.keepPackages].sort()).toEqual(["git", "jq"]);
  });

  it("is a command by its id, whatever its text is now, and never another role's", () => {
    const undo: Undo = { do: "command", summary: "s", script: "true" };
    const mark = entry("a", "command:mark:0123", { id: "mark", undo });
    const old = [claimsOf("a", ["command:mark"]), claimsOf("b", ["command:mark"])];
    expect(planDrops([mark], { before: old, now: [claimsOf("a", ["command:mark"])] }).undo).toEqual([]);
    expect(planDrops([mark], { before: old, now: [claimsOf("a", [])] }).undo).toEqual([mark]);
  });
});

it("rolling back undoes the newest run alone, newest first, and no data", () => {
  const entries = [
    entry("a", "path:/1"),
    entry("a", "path:/2", { run: "r2" }),
    entry("a", "path:/3", { run: "r2", data: "memory" }),
    entry("a", "path:/2", { run: "r2", id: "again" }),
  ];
  const plan = planRollback(entries);
  expect(plan.undo.map(({ id }) => id)).toEqual(["again", "x"]);
  expect(plan.rest).toEqual([entries[0], entries[2]]);
  expect(planRollback([entry("a", "path:/1", { run: "" })]).undo).toEqual([]);
  expect(planRollback([]).undo).toEqual([]);
});
