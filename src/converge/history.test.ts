import { describe, expect, it } from "vitest";
import { readHistory } from "./history.ts";

const begin = (run: string, since: number) =>
  JSON.stringify({ run, who: "kim@laptop", what: "role setup base", since, changes: 2 });
const end = (run: string, code = 0, step = "") => JSON.stringify({ run, ended: 110, code, step });
const runs = (lines: readonly string[]) =>
  readHistory(lines).map(({ run, end }) => [run, end === undefined ? "cut off" : end.code]);

describe("a host's history", () => {
  it("is two lines a run, the oldest first", () => {
    expect(readHistory([begin("a", 100), end("a", 2, "install jq")])).toEqual([
      {
        run: "a",
        who: "kim@laptop",
        what: "role setup base",
        since: 100,
        changes: 2,
        end: { ended: 110, code: 2, step: "install jq" },
      },
    ]);
    expect(runs([begin("a", 1), end("a"), begin("b", 2), end("b")])).toEqual([
      ["a", 0],
      ["b", 0],
    ]);
  });

  it("tells a run that has no end", () => {
    expect(runs([begin("a", 1), begin("b", 2), end("b")])).toEqual([
      ["a", "cut off"],
      ["b", 0],
    ]);
  });

  it("leaves out lines that were cut off, wherever, and nothing else", () => {
    const last = end("b", 75, "step");
    for (let length = 0; length < last.length; length += 1) {
      const lines = [begin("a", 1), end("a"), begin("b", 2), last.slice(0, length), begin("c", 3), end("c")];
      expect(runs(lines)).toEqual([
        ["a", 0],
        ["b", "cut off"],
        ["c", 0],
      ]);
    }
    const first = begin("b", 2);
    for (let length = 0; length < first.length; length += 1) {
      expect(runs([begin("a", 1), end("a"), first.slice(0, length), end("b")])).toEqual([["a", 0]]);
    }
  });

  it("stands what is no run at all, and an end whose beginning was trimmed away", () => {
    expect(runs(["", "null", "7", "[]", '"a"', end("old"), begin("a", 1), end("a")])).toEqual([["a", 0]]);
  });
});
