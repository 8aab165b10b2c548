import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { missingFromNotRun, notRunIds, readReport, sumReports } from "../reports.ts";

const report = (skippedNames: string[]) => ({
  project: "e2e",
  complete: true,
  passed: 2,
  failed: 1,
  skippedNames,
  names: skippedNames,
});

describe("the runner's closing line", () => {
  it("sums what the runners reported", () => {
    expect(sumReports([report([]), report(["kvm boots a guest"])])).toEqual({ passed: 4, failed: 2, skipped: 1 });
  });

  it.each([
    ["a test", false, [["failed", ["passed", "failed"]]], 1],
    ["loading a file", false, [["failed", []]], 1],
    ["a hook before the tests, which are then left out", false, [["failed", ["skipped", "skipped"]]], 1],
    ["a hook after the tests", false, [["failed", ["passed"]]], 1],
    ["something outside of all tests", false, [["passed", ["passed"]]], 1],
    ["nothing", true, [["passed", ["passed"]]], 0],
  ] as const)("counts what failed: %s", (_what, success, suites, failed) => {
    const folder = mkdtempSync(join(tmpdir(), "olympus-reports-"));
    const testResults = suites.map(([status, tests]) => ({
      name: "file",
      status,
      assertionResults: tests.map((one) => ({ fullName: one, status: one })),
    }));
    try {
      writeFileSync(join(folder, "unit.json"), JSON.stringify({ success, testResults }));
      expect(readReport("unit", join(folder, "unit.json"), 0).failed).toBe(failed);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("accepts exactly what not-run.md lists", () => {
    expect(missingFromNotRun([report(["kvm boots a guest"])], ["kvm"])).toEqual([]);
    expect(missingFromNotRun([report(["sneaky test"])], ["kvm"])).toEqual([
      "left out, but not in docs/reference/not-run.md: sneaky test",
      "listed in docs/reference/not-run.md, but there is no such test: kvm",
    ]);
    expect(missingFromNotRun([report(["kvm a", "kvm b"])], ["kvm"])).toEqual(["left out more than once: kvm"]);
    expect(missingFromNotRun([report([])], ["kvm"])).toEqual([
      "listed in docs/reference/not-run.md, but there is no such test: kvm",
    ]);
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
