import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { projectRoot } from "../base/paths.ts";
import { parseTeam } from "./load.ts";
import { TeamProblems } from "./problems.ts";

const sound = readFileSync(join(projectRoot, "src", "team", "cases", "sound.yaml"), "utf8");
const lines = sound.split("\n");

/** Slips of a person's hand: a line lost, doubled or moved in, characters typed over. */
const slip = fc.record({
  line: fc.nat({ max: lines.length - 1 }),
  kind: fc.constantFrom("drop", "double", "indent", "type"),
  at: fc.nat({ max: 60 }),
  text: fc.oneof(
    fc.constantFrom(
      "[",
      "]",
      "{",
      "}",
      ":",
      "- ",
      "&a",
      "*a",
      "!x",
      "null",
      "#",
      "\t",
      '"',
      "'",
      "|",
      ">",
      "<<: ",
      "---",
      "1e9",
      "?",
    ),
    fc.string({ maxLength: 4 }),
  ),
});

it("whatever is typed, the answer is a team or a list of problems with places", () => {
  fc.assert(
    fc.property(fc.array(slip, { minLength: 1, maxLength: 4 }), (slips) => {
      const text = slips.reduce((before, { line, kind, at, text: typed }) => {
        const all = before.split("\n");
        const old = all[line] ?? "";
        const replaced = {
          drop: [],
          double: [old, old],
          indent: [`  ${old}`],
          type: [old.slice(0, at) + typed + old.slice(at + 1)],
        }[kind]!;
        return [...all.slice(0, line), ...replaced, ...all.slice(line + 1)].join("\n");
      }, sound);
      try {
        expect(parseTeam(text, "/x/team.yaml").machines.length).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toBeInstanceOf(TeamProblems);
        const problems = error as TeamProblems;
        expect(problems.errors.length).toBeGreaterThan(0);
        for (const { where, excerpt, hint } of problems.errors) {
          expect(where).toMatch(/:[1-9]\d*:[1-9]\d*$/);
          expect(excerpt).toMatch(/\^$/);
          expect(hint).toBeTruthy();
        }
      }
    }),
    { numRuns: 300 },
  );
});
