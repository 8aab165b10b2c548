import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { exitCodes } from "../../src/base/errors.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { missingFromNotRun, notRunIds, type RunnerReport, readReport, sumReports } from "../reports.ts";
import { runSuite, type suites } from "../suites.ts";

const report = (skippedNames: string[]) => ({
  project: "e2e",
  complete: true,
  passed: 2,
  failed: 1,
  skippedNames,
  names: skippedNames,
  failures: [] as string[],
});

const outside = 'unit: an error outside of all tests: where "unit tests" ends above';

describe("the runner's closing line", () => {
  it("sums what the runners reported", () => {
    expect(sumReports([report([]), report(["kvm boots a guest"])])).toEqual({ passed: 4, failed: 2, skipped: 1 });
  });

  it.each([
    [
      "a test",
      false,
      [["failed", ["passed", "failed"]]],
      "unit: test/a.test.ts > failed\n  expected 2\n      at a.ts:3",
    ],
    ["loading a file", false, [["failed", []]], "unit: test/a.test.ts\n  no such module"],
    [
      "a hook before the tests, which are then left out",
      false,
      [["failed", ["skipped", "skipped"]]],
      "unit: test/a.test.ts\n  no such module",
    ],
    ["a hook after the tests", false, [["failed", ["passed"]]], "unit: test/a.test.ts\n  no such module"],
    ["something outside of all tests", false, [["passed", ["passed"]]], outside],
    ["something that only the runner's exit code tells", true, [["passed", ["passed"]]], outside, 1 as number],
    ["nothing", true, [["passed", ["passed"]]], undefined],
  ] as const)("counts and names what failed: %s", (_what, success, suites, failure, code = success ? 0 : 1) => {
    const folder = mkdtempSync(join(tmpdir(), "olympus-reports-"));
    const testResults = suites.map(([status, tests]) => ({
      name: join(projectRoot, "test/a.test.ts"),
      status,
      message: tests.some((one) => one === "failed") ? "" : "no such module",
      assertionResults: tests.map((one) => ({
        fullName: one,
        status: one,
        failureMessages: one === "failed" ? ["\u001b[31mexpected 2\u001b[39m\n\n    at a.ts:3"] : [],
      })),
    }));
    try {
      writeFileSync(join(folder, "unit.json"), JSON.stringify({ success, testResults }));
      const { failed, failures } = readReport("unit", join(folder, "unit.json"), 0, code);
      expect(failures).toEqual(failure === undefined ? [] : [failure]);
      expect(failed).toBe(failures.length);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("accepts exactly what not-run.md lists", () => {
    const missing = (skipped: string[], everything = true): string[] =>
      missingFromNotRun([report(skipped)], { everything, listed: ["kvm"] });
    expect(missing(["kvm boots a guest"])).toEqual([]);
    expect(missing(["sneaky test"])).toEqual([
      "left out, but not in docs/reference/not-run.md: sneaky test",
      "listed in docs/reference/not-run.md, but there is no such test: kvm",
    ]);
    expect(missing(["kvm a", "kvm b"])).toEqual(["left out more than once: kvm"]);
    expect(missing([])).toEqual(["listed in docs/reference/not-run.md, but there is no such test: kvm"]);
    // A part of the suites need not have the test of every entry.
    expect(missing([], false)).toEqual([]);
    expect(missing(["sneaky test"], false)).toEqual(["left out, but not in docs/reference/not-run.md: sneaky test"]);
  });

  /** What a suite did, with this answer to its question and this outcome of its tests. */
  async function ran(wanted: keyof typeof suites, answer: number, outcome: Partial<RunnerReport> = {}, tookMs = 0) {
    const did: string[] = [];
    vi.spyOn(console, "log").mockImplementation((line) => void did.push(line));
    try {
      const code = await runSuite(wanted, {
        mayBegin: async () => exitCodes.done,
        command: async (label) => {
          did.push(label);
          return answer;
        },
        vitest: async (project) => {
          did.push(`${project} tests`);
          if (tookMs > 0) vi.setSystemTime(Date.now() + tookMs);
          return { ...report([]), project, failed: 0, ...outcome };
        },
        tell: (text) => void did.push(text),
      });
      return { code, did };
    } finally {
      vi.restoreAllMocks();
    }
  }

  it("begins nothing after a no", async () => {
    const did = ["packages and tools", "not agreed to: no test was run"];
    expect(await ran("unit", exitCodes.confirmation)).toEqual({ code: exitCodes.confirmation, did });
    const nothing = () => expect.unreachable();
    const doing = { mayBegin: async () => exitCodes.confirmation, command: nothing, vitest: nothing, tell: nothing };
    expect(await runSuite("all", doing)).toBe(exitCodes.confirmation);
  });

  it("goes through a suite whatever fails before it, and tells so", async () => {
    const did = [
      "packages and tools",
      "unit tests",
      "something failed",
      "  packages and tools",
      "  unit: test/a.test.ts\n    no such module",
      expect.stringContaining(".olympus/test-reports"),
      expect.stringContaining("scripts/test <suite> <file>"),
      expect.stringContaining("npx olympus lab down --purge --cache"),
      // Last, for whoever reads nothing else.
      "2 passed, 0 failed, 0 skipped",
    ];
    const failures = ["unit: test/a.test.ts\n  no such module"];
    expect(await ran("unit", exitCodes.failed, { failures })).toEqual({ code: 1, did });
    expect(await ran("unit", exitCodes.done)).toMatchObject({ code: 0 });
    expect(await ran("unit", exitCodes.done, { complete: false })).toMatchObject({ code: 1 });
  });

  it("warns of unit tests that take more than a minute, and fails nothing for it", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const warned = async (suite: keyof typeof suites, tookMs: number) => {
        const { code, did } = await ran(suite, exitCodes.done, {}, tookMs);
        expect(code).toBe(0);
        return did.filter((line) => line.startsWith("warning: "));
      };
      expect(await warned("unit", 61_000)).toEqual([expect.stringContaining("unit tests took 61 s")]);
      expect(await warned("unit", 59_000)).toEqual([]);
      expect(await warned("e2e", 1_900_000)).toEqual([]);
    } finally {
      vi.useRealTimers();
    }
  });

  it.each(["unit", "contract", "e2e", "long"] as const)("finds a test that %s left out", async (wanted) => {
    const { code, did } = await ran(wanted, exitCodes.done, { skippedNames: ["sneaky test"] });
    expect(code).toBe(1);
    expect(did).toContain("left out, but not in docs/reference/not-run.md: sneaky test");
  });

  it("reads ids from the table", () => {
    expect(notRunIds("| id | why |\n| --- | --- |\n| `kvm` | none here |\n| `real-models` | no key |\n")).toEqual([
      "kvm",
      "real-models",
    ]);
    expect(notRunIds("| id            | why    |\n| ------------- | ------ |\n| `kvm`         | none   |\n")).toEqual([
      "kvm",
    ]);
  });

  it("finds a row of the table for each file of test/elsewhere", () => {
    const files = readdirSync(join(projectRoot, "test/elsewhere")).map((name) => name.replace(".test.ts", ""));
    expect(notRunIds().sort()).toEqual(files.sort());
  });
});
