import { expect, it } from "vitest";
import type { JournalEntry, Undo } from "./change.ts";
import { entriesNow } from "./journal-past.ts";
import { undoScript } from "./undo.ts";

// Entries that are on hosts, written by earlier releases.

const entry = (id: string, resource: string, undo: Undo, run = "r1"): JournalEntry => ({
  v: 2,
  role: "a",
  id,
  run,
  resource,
  undo,
});
const absent = (path: string, id = "line", run = "r1"): JournalEntry =>
  entry(id, `path:${path}`, { do: "path", path, before: { type: "absent" } }, run);
const scripts = (entries: readonly JournalEntry[]): string[] =>
  entriesNow(entries).map(({ undo }) => undoScript(undo, []));

it("a file that was made for a line goes only when nobody wrote to it; one that was made whole goes", () => {
  const line = entry("line", "line:/etc/x:1", { do: "line", path: "/etc/x", line: "1" });
  expect(scripts([absent("/etc/x"), line])[0]).toContain("drop_empty /etc/x");
  for (const other of [absent("/etc/y"), absent("/etc/x", "file"), absent("/etc/x", "line", "r2")]) {
    expect(scripts([other, line])[0]).toMatch(/^take_away/);
  }
});

it("of a file whose mode and owner were changed these alone come back", () => {
  const before = { type: "file", mode: "0644", owner: "kim", group: "kim", sha256: "ab" } as const;
  const own = entry("keys", "own:/k", { do: "path", path: "/k", before });
  expect(scripts([own])).toEqual(["if [ -e /k ]; then own /k 0644 kim kim; fi"]);
});
