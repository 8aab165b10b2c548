import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { OlympusError } from "../base/errors.ts";
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

it("what a host or a person in the chat says does nothing to the terminal", async () => {
  const reporter = createReporter({ json: false });
  const said = "hello \u001b]52;c;cm0gLXJmIC8=\u0007\u009b2J\u001b[2J \u202Egnp.exe";
  reporter.info(said);
  reporter.warn(said);
  reporter.error(new OlympusError(said, { code: "E-SSH-LOST", where: said, hint: said }));
  reporter.result(said, { type: "answer" });
  await withStep(reporter, "asking", async (step) => {
    step.update(said);
    return { value: undefined, summary: said };
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what may not be there
  expect(out + err).not.toMatch(/(?!\n)[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
  expect(out).toBe("hello \\u{1b}]52;c;cm0gLXJmIC8=\\u{7}\\u{9b}2J \\u{202e}gnp.exe\n");
});

it("off a terminal one line tells every half minute that many steps go on", () => {
  vi.useFakeTimers();
  try {
    const reporter = createReporter({ json: false });
    const outer = reporter.step(" 2/10 tools");
    const inner = ["pulumi", "provider", "mattermost"].map((name) => reporter.step(name));
    vi.advanceTimersByTime(10 * 60_000);
    const waiting = err.split("\n").length - 1;
    for (const step of [...inner, outer]) step.done("built");
    expect(waiting).toBeGreaterThanOrEqual(12);
    expect(waiting).toBeLessThanOrEqual(26);
  } finally {
    vi.useRealTimers();
  }
});
