import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ExitCode, exitCodes, OlympusError, OlympusErrors, worstExit } from "./errors.ts";
import { projectRoot } from "./paths.ts";

const fromMildest: readonly ExitCode[] = [
  exitCodes.done,
  exitCodes.pending,
  exitCodes.confirmation,
  exitCodes.locked,
  exitCodes.unreachable,
  exitCodes.failed,
  exitCodes.usage,
  exitCodes.hostKey,
  exitCodes.interrupted,
];

describe("the exit code of several outcomes", () => {
  const pairs = fromMildest.flatMap((milder, at) => fromMildest.slice(at).map((worse) => [milder, worse] as const));

  it.each(pairs)("of %i and %i it is the second, in whichever order they came", (milder, worse) => {
    expect([worstExit([milder, worse]), worstExit([worse, milder])]).toEqual([worse, worse]);
  });

  it("is 0 of none, and knows every code that a command may end with", () => {
    expect(worstExit([])).toBe(0);
    expect(fromMildest.toSorted((a, b) => a - b)).toEqual(Object.values(exitCodes).toSorted((a, b) => a - b));
  });

  it("is that of an error made of several", () => {
    const errors = [4, 2, 75].map((exit) => new OlympusError("x", { code: "E-BUG", exit: exit as ExitCode }));
    expect(new OlympusErrors("of 3 hosts", errors).exit).toBe(2);
  });

  it("has the order that the page tells", () => {
    const page = readFileSync(join(projectRoot, "docs/reference/exit-codes.md"), "utf8");
    expect(page).toContain(`from mildest to worst: ${fromMildest.join(", ")}.`);
  });
});
