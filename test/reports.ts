import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { projectRoot } from "../src/base/paths.ts";

/** What a vitest project reported. `complete` is false when the run failed, or its report is missing, old or broken. */
export interface RunnerReport {
  readonly project: string;
  readonly complete: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly skippedNames: readonly string[];
  /** Full names of all tests, whatever became of them. */
  readonly names: readonly string[];
}

const vitestReport = z.object({
  success: z.boolean(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});

/** Reads vitest's JSON report and its exit code. A suite that failed beside its tests (to load, in a hook) counts as one failure, so that it cannot vanish. */
export function readReport(project: string, file: string, notBefore: number, code: number): RunnerReport {
  try {
    if (statSync(file).mtimeMs < notBefore) throw new Error("report is of an earlier run");
    const report = vitestReport.parse(JSON.parse(readFileSync(file, "utf8")));
    const tests = report.testResults.flatMap((suite) => suite.assertionResults);
    const beside = report.testResults.filter(
      (suite) => suite.status === "failed" && suite.assertionResults.every(({ status }) => status !== "failed"),
    );
    const failed = tests.filter((test) => test.status === "failed").length + beside.length;
    return {
      project,
      complete: tests.length > 0 && code === 0,
      passed: tests.filter((test) => test.status === "passed").length,
      // An error outside of every suite, such as a rejection that nobody took, fails the run alone; not every report calls that no success.
      failed: report.success && code === 0 ? failed : Math.max(failed, 1),
      names: tests.map((test) => test.fullName),
      skippedNames: tests
        .filter((test) => test.status !== "passed" && test.status !== "failed")
        .map((test) => test.fullName),
    };
  } catch (error) {
    console.error(`no report of ${project}: ${error instanceof Error ? error.message : String(error)}`);
    return { project, complete: false, passed: 0, failed: 1, skippedNames: [], names: [] };
  }
}

export function sumReports(reports: readonly RunnerReport[]): { passed: number; failed: number; skipped: number } {
  return {
    passed: reports.reduce((sum, report) => sum + report.passed, 0),
    failed: reports.reduce((sum, report) => sum + report.failed, 0),
    skipped: reports.reduce((sum, report) => sum + report.skippedNames.length, 0),
  };
}

/** Ids in the table of docs/reference/not-run.md. */
export function notRunIds(markdown = readFileSync(join(projectRoot, "docs/reference/not-run.md"), "utf8")): string[] {
  return [...markdown.matchAll(/^\| `([a-z0-9-]+)` +\|/gm)].map(([, id]) => id!);
}

/**
 * Compares what was left out with docs/reference/not-run.md: nothing else may be left out, no entry twice, and where everything was run
 * each entry must have a test whose name begins with its id. An entry that ran after all (it was asked for) is fine. Gives sentences,
 * empty when all is as listed.
 */
export function missingFromNotRun(
  reports: readonly RunnerReport[],
  { everything, listed = notRunIds() }: { readonly everything: boolean; readonly listed?: readonly string[] },
): string[] {
  const skipped = reports.flatMap((report) => report.skippedNames);
  const idOf = (name: string): string | undefined => listed.find((id) => name.split(" ")[0] === id);
  const unlisted = skipped.filter((name) => idOf(name) === undefined);
  const names = reports.flatMap((report) => report.names);
  const untested = listed.filter((id) => everything && !names.some((name) => name.split(" ")[0] === id));
  const doubled = listed.filter((id) => skipped.filter((name) => idOf(name) === id).length > 1);
  return [
    ...unlisted.map((name) => `left out, but not in docs/reference/not-run.md: ${name}`),
    ...untested.map((id) => `listed in docs/reference/not-run.md, but there is no such test: ${id}`),
    ...doubled.map((id) => `left out more than once: ${id}`),
  ];
}
