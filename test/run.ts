import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { projectRoot } from "../src/base/paths.ts";
import { formatElapsed } from "../src/cli/terminal.ts";
import { missingFromNotRun, type RunnerReport, readReport, sumReports } from "./reports.ts";

/**
 * `scripts/test [unit|check|contract|e2e|long|elsewhere]`: runs suites and closes with one line that is made from the
 * runners' own reports. Without a word: everything that CI runs.
 */
const suites = {
  unit: ["unit"],
  check: [],
  contract: ["contract"],
  e2e: ["e2e"],
  long: ["long"],
  elsewhere: ["elsewhere"],
  all: ["unit", "contract", "e2e", "elsewhere"],
} as const;

const wanted = (process.argv[2] ?? "all") as keyof typeof suites;
const filters = process.argv.slice(3);
if (!(wanted in suites)) {
  console.error(`scripts/test: unknown suite "${wanted}"; known: ${Object.keys(suites).join(", ")}`);
  process.exit(1);
}

const started = Date.now();
const reportsDir = join(projectRoot, ".olympus", "test-reports");
mkdirSync(reportsDir, { recursive: true });
let broken = false;

function tell(text: string): void {
  console.log(`[${formatElapsed(Date.now() - started)}] ${text}`);
}

async function command(label: string, file: string, args: readonly string[]): Promise<boolean> {
  const begun = Date.now();
  tell(`${label} ...`);
  const result = await execa(file, args, {
    cwd: projectRoot,
    preferLocal: true,
    reject: false,
    // A person at a terminal is asked before root's rights are used; CI=true is not.
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  });
  const good = result.exitCode === 0;
  tell(`${label}: ${good ? "done" : "FAILED"}, ${formatElapsed(Date.now() - begun)}`);
  if (!good) broken = true;
  return good;
}

async function vitest(project: string): Promise<RunnerReport> {
  const outputFile = join(reportsDir, `${project}.json`);
  await command(`${project} tests`, process.execPath, [
    join(projectRoot, "node_modules/vitest/vitest.mjs"),
    "run",
    "--project",
    // One tier may be of several projects: e2e, e2e-roles.
    `${project}*`,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${outputFile}`,
    ...filters,
  ]);
  return readReport(project, outputFile, started);
}

const olympus = join(projectRoot, "scripts/olympus");
const reports: RunnerReport[] = [];

if (wanted === "all" || wanted === "check") await command("check (types, lint, format)", "npm", ["run", "-s", "check"]);
if (wanted !== "check" && wanted !== "elsewhere") {
  await command("packages and tools", olympus, ["prepare", "--for", wanted === "unit" ? "unit" : "tests"]);
}
for (const project of suites[wanted]) reports.push(await vitest(project));

const total = sumReports(reports);
const surprises = wanted === "all" ? missingFromNotRun(reports) : [];
for (const surprise of surprises) tell(surprise);
if (surprises.length > 0 || total.failed > 0 || reports.some((report) => !report.complete)) broken = true;
tell(broken ? "something failed" : "everything passed");
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = broken ? 1 : 0;
