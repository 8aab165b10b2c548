import { readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
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
  /** What failed, each in a few lines: suite, file, test and the first lines of why. */
  readonly failures: readonly string[];
}

const vitestReport = z.object({
  success: z.boolean(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).nullish() }),
      ),
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
    const failures = report.testResults.flatMap((suite) => {
      const failed = suite.assertionResults
        .filter(({ status }) => status === "failed")
        .map((test) => tellFailure(project, suite.name, test.fullName, test.failureMessages ?? []));
      return beside.includes(suite) ? [tellFailure(project, suite.name, "", [suite.message ?? ""])] : failed;
    });
    const outside = failures.length === 0 && (!report.success || code !== 0);
    if (outside) failures.push(`${project}: an error outside of all tests: where "${project} tests" ends above`);
    return {
      project,
      complete: tests.length > 0 && code === 0,
      passed: tests.filter((test) => test.status === "passed").length,
      // An error outside of every suite, such as a rejection that nobody took, fails the run alone; not every report calls that no success.
      failed: failures.length,
      failures,
      names: tests.map((test) => test.fullName),
      skippedNames: tests
        .filter((test) => test.status !== "passed" && test.status !== "failed")
        .map((test) => test.fullName),
    };
  } catch (error) {
    const failures = [`${project}: no report: ${error instanceof Error ? error.message : String(error)}`];
    return { project, complete: false, passed: 0, failed: 1, skippedNames: [], names: [], failures };
  }
}

/** Lines of a reason that are told at the end; the report has all of them. */
const reasonLines = 6;

function tellFailure(project: string, file: string, name: string, reasons: readonly string[]): string {
  const why = reasons
    .flatMap((reason) => stripVTControlCharacters(reason).split("\n"))
    .filter((line) => line.trim() !== "")
    .slice(0, reasonLines);
  const where = `${project}: ${relative(projectRoot, file)}${name === "" ? "" : ` > ${name}`}`;
  return [where, ...why.map((line) => `  ${line}`)].join("\n");
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
