import { join } from "node:path";
import { olympusWord } from "../src/base/as-root.ts";
import { type ExitCode, exitCodes } from "../src/base/errors.ts";
import { projectRoot } from "../src/base/paths.ts";
import { usesRoot } from "./consent.ts";
import { missingFromNotRun, type RunnerReport, sumReports } from "./reports.ts";

/** The words of `scripts/test`, with the vitest projects of each. */
export const suites = {
  unit: ["unit"],
  check: [],
  contract: ["contract"],
  e2e: ["e2e"],
  long: ["long"],
  elsewhere: ["elsewhere"],
  all: ["unit", "contract", "e2e", "elsewhere"],
} as const;

/** What a suite is made of. */
export interface Doing {
  /** Tells what is done with root's rights and asks; anything but `done` ends it before it began. */
  readonly mayBegin: (wanted: keyof typeof suites) => Promise<ExitCode>;
  /** Runs a program and gives its exit code. */
  readonly command: (label: string, file: string, args: readonly string[]) => Promise<number>;
  readonly vitest: (project: string) => Promise<RunnerReport>;
  readonly tell: (text: string) => void;
}

/** Runs a suite, whatever fails in it, and gives the exit code. Where a person says no to what it needs, nothing of it is begun. */
export async function runSuite(
  wanted: keyof typeof suites,
  { mayBegin, command, vitest, tell }: Doing,
): Promise<number> {
  const allowed = await mayBegin(wanted);
  if (allowed !== exitCodes.done) return allowed;
  const failures: string[] = [];
  if (wanted === "all" || wanted === "check") {
    const label = "check (types, lint, format)";
    if ((await command(label, "npm", ["run", "-s", "check"])) !== exitCodes.done) failures.push(label);
  }
  if (wanted !== "check" && wanted !== "elsewhere") {
    // Who agreed to a suite agreed to its packages, which were named.
    const args = ["prepare", ...(usesRoot(wanted) ? ["--for", "tests", "--yes"] : ["--for", "unit"])];
    const label = "packages and tools";
    const code = await command(label, join(projectRoot, "scripts/olympus"), args);
    if (code === exitCodes.confirmation) {
      tell("not agreed to: no test was run");
      return code;
    }
    if (code !== exitCodes.done) failures.push(label);
  }
  const reports: RunnerReport[] = [];
  for (const project of suites[wanted]) {
    const begun = Date.now();
    reports.push(await vitest(project));
    const slow = slowLine(project, Date.now() - begun);
    if (slow !== undefined) tell(slow);
  }

  const total = sumReports(reports);
  const surprises = missingFromNotRun(reports, { everything: wanted === "all" });
  for (const surprise of surprises) tell(surprise);
  failures.push(...reports.flatMap((report) => report.failures));
  const broken = failures.length > 0 || surprises.length > 0 || reports.some((report) => !report.complete);
  tell(broken ? "something failed" : "everything passed");
  // Told once more here: an hour of output may lie between a failure and the end.
  for (const failure of failures) console.log(failure.replace(/^/gm, "  "));
  for (const line of closingLines(suites[wanted])) console.log(line);
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return broken ? 1 : exitCodes.done;
}

/** Unit tests are run before every commit: past this nobody would. */
const unitSeconds = 60;

/** Pure: a warning, no failure, since a busy machine is slow as well. */
export function slowLine(project: string, tookMs: number): string | undefined {
  if (project !== "unit" || tookMs <= unitSeconds * 1000) return undefined;
  return `warning: unit tests took ${Math.round(tookMs / 1000)} s, more than the ${unitSeconds} that they may; the slowest stand in .olympus/test-reports/unit.json`;
}

/** Pure: where to look next, and how to be rid of what the tests brought. */
export function closingLines(projects: readonly string[]): string[] {
  return [
    ...(projects.length === 0
      ? []
      : ["  reports   .olympus/test-reports, one a suite: why and where something failed"]),
    "  one file  scripts/test <suite> <file>",
    `  remove    ${olympusWord()} lab down --purge --cache   (--dry-run lists it; it ends by naming what still stays)`,
  ];
}
