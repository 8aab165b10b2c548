import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { missingFromNotRun, notRunIds, sumReports } from "../reports.ts";

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
