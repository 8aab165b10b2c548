import { describe, expect, it } from "vitest";
import type { JournalEntry, Undo } from "./change.ts";
import { dropsSomething, planDrops } from "./drops.ts";
import { claimsOf, readClaims, readJournal } from "./journal.ts";

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

  it("is one group of a user, whoever else stands for the user; also where earlier releases claimed no groups", () => {
    const undo = (groups: string[]): Undo => ({ do: "user-groups", name: "kim", groups });
    const entries = [
      entry("base", "user:kim", { undo: { do: "user", name: "kim" } }),
      entry("a", "user-groups:kim:kvm,libvirt", { undo: undo(["kvm", "libvirt"]) }),
    ];
    const groups = ["user-groups:kim:kvm", "user-groups:kim:libvirt"];
    const base = claimsOf("base", ["user:kim", "user-fields:kim"]);
    for (const before of [claimsOf("a", ["user:kim", ...groups]), claimsOf("a", ["user:kim"])]) {
      const drops = (now: string[], others = [base]) =>
        planDrops(entries, { before: [...others, before], now: [claimsOf("a", now), base] });
      expect(drops([]).undo).toEqual([entries[1]]);
      expect(drops(["user:kim", groups[0]!]).undo.map((one) => one.undo)).toEqual([undo(["libvirt"])]);
      expect(drops(["user:kim", ...groups]).undo).toEqual([]);
      const other = claimsOf("b", ["user:kim", groups[0]!]);
      const passed = drops([], [base, other]);
      expect(passed.undo.map((one) => one.undo)).toEqual([undo(["libvirt"])]);
      expect(passed.rest.slice(1)).toMatchObject([{ role: "b", undo: undo(["kvm"]) }]);
    }
  });

  it("is a line with all that it was before: what stood there first comes back when none of them is wished", () => {
    const line = (text: string, before?: string): JournalEntry =>
      entry("a", `line:/f:${text}`, {
        undo: { do: "line", path: "/f", line: text, ...(before === undefined ? {} : { before }) },
      });
    const [first, second, third] = [line("1"), line("2", "1"), line("3", "2")];
    const stays = { before: [claimsOf("a", ["line:/f:1"])], now: [claimsOf("a", ["line:/f:2"])] };
    expect(planDrops([first, second], stays)).toMatchObject({ undo: [], rest: [first, second] });
    const goes = { before: [claimsOf("a", ["line:/f:3"])], now: [claimsOf("a", [])] };
    expect(planDrops([first, second, third, line("2", "3")], goes).undo).toEqual([third, second, first]);
    const heir = { before: [...goes.before, claimsOf("b", ["line:/f:3"])], now: goes.now };
    expect(planDrops([first, second, third], heir)).toMatchObject({
      undo: [],
      rest: [first, second, third].map((one) => ({ ...one, role: "b" })),
    });
    // Another line of that file is another thing.
    expect(planDrops([first, line("other"), second], { ...goes, before: stays.before }).undo).toEqual([second, first]);
  });

  it("is one package of those that were held together, also by what earlier releases wrote", () => {
    const held = (names: string): JournalEntry =>
      entry("a", `hold:${names}`, {
        undo: { do: "command", summary: "", script: `drop_hold ${names.replaceAll(",", " ")}` },
      });
    const claims = (...of: string[]) => readClaims([JSON.stringify(claimsOf("a", of))], "athena");
    const entries = readJournal([JSON.stringify(held("x,y"))], "athena");
    expect(planDrops(entries, { before: claims("hold:x,y"), now: claims("hold:x", "hold:y", "hold:z") }).undo).toEqual(
      [],
    );
    expect(planDrops(entries, { before: claims("hold:x,y"), now: claims("hold:x") }).undo).toMatchObject([
      { resource: "hold:y", undo: { script: "drop_hold y" } },
    ]);
  });

  it("is a command by its id, whatever its text is now, and never another role's", () => {
    const undo: Undo = { do: "command", summary: "s", script: "true" };
    const mark = entry("a", "command:mark:0123", { id: "mark", undo });
    const old = [claimsOf("a", ["command:mark"]), claimsOf("b", ["command:mark"])];
    expect(planDrops([mark], { before: old, now: [claimsOf("a", ["command:mark"])] }).undo).toEqual([]);
    expect(planDrops([mark], { before: old, now: [claimsOf("a", [])] }).undo).toEqual([mark]);
  });
});
