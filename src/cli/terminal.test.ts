import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { withStep } from "../base/report.ts";
import { createReporter } from "./terminal.ts";

let out: string;
let err: string;
beforeEach(() => {
  out = "";
  err = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += String(text);
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

/** With no time passed, however slow it was here. */
const untimed = (text: string): string => text.replaceAll(/\[\d+:\d\d\] /g, "").replaceAll(/\b\d+:\d\d\b/g, "0:00");

const quiet = async (): Promise<{ value: undefined; summary: string }> => ({ value: undefined, summary: "as it was" });

it("off a terminal a step is two lines, and those within it are one each, indented alike though they run side by side", async () => {
  const reporter = createReporter({ json: false });
  await withStep(reporter, " 2/10 tools", async () => {
    await Promise.all(["pulumi", "provider"].map((name) => withStep(reporter, name, quiet)));
    return { value: undefined, summary: "ready" };
  });
  expect(untimed(err).split("\n")).toEqual([
    " 2/10 tools  0:00",
    "  pulumi  0:00  as it was",
    "  provider  0:00  as it was",
    " 2/10 tools  0:00  ready",
    "",
  ]);
  expect(out).toBe("");
});

it("with --json stdout has one object a line, the answer last, and people's text goes to stderr", async () => {
  const reporter = createReporter({ json: true });
  reporter.info("what is here");
  reporter.warn("look out");
  await withStep(reporter, " 1/10 packages  ", quiet);
  reporter.result("text for people", { type: "quickstart", answered: true });
  const lines = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toEqual([
    { v: 1, type: "step", label: "1/10 packages", state: "done", summary: "as it was", elapsed_ms: expect.any(Number) },
    { v: 1, type: "quickstart", answered: true },
  ]);
  expect(err).toContain("what is here\nwarning: look out\n");
  expect(out).not.toContain("text for people");
});

it("a step that was told to end is interrupted, in words and for programs; it did not fail", async () => {
  for (const json of [false, true]) {
    const work = async (): Promise<never> => AbortSignal.abort().throwIfAborted() as never;
    await expect(withStep(createReporter({ json }), "machines", work)).rejects.toThrow();
  }
  expect(untimed(err)).toMatch(/machines {2}0:00 {2}interrupted\n/);
  expect(err).not.toMatch(/FAILED|aborted/);
  expect(JSON.parse(out)).toMatchObject({ type: "step", state: "interrupted" });
});
