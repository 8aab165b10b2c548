import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { projectRoot } from "../src/base/paths.ts";
import { formatElapsed } from "../src/cli/terminal.ts";
import { type RunnerReport, readReport } from "./reports.ts";
import { runSuite, suites } from "./suites.ts";

/**
 * `scripts/test [unit|check|contract|e2e|long|elsewhere]`: runs suites and closes with one line that is made from the
 * runners' own reports. Without a word: everything that CI runs.
 */
const wanted = (process.argv[2] ?? "all") as keyof typeof suites;
const filters = process.argv.slice(3);
if (!(wanted in suites)) {
  console.error(`scripts/test: unknown suite "${wanted}"; known: ${Object.keys(suites).join(", ")}`);
  process.exit(1);
}

const started = Date.now();
const reportsDir = join(projectRoot, ".olympus", "test-reports");
mkdirSync(reportsDir, { recursive: true });

function tell(text: string): void {
  console.log(`[${formatElapsed(Date.now() - started)}] ${text}`);
}

async function command(label: string, file: string, args: readonly string[]): Promise<number> {
  const begun = Date.now();
  tell(`${label} ...`);
  const { exitCode = 1 } = await execa(file, args, {
    cwd: projectRoot,
    preferLocal: true,
    reject: false,
    // A person at a terminal is asked before root's rights are used; CI=true is not.
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  });
  tell(`${label}: ${exitCode === 0 ? "done" : "FAILED"}, ${formatElapsed(Date.now() - begun)}`);
  return exitCode;
}

async function vitest(project: string): Promise<RunnerReport> {
  const outputFile = join(reportsDir, `${project}.json`);
  const code = await command(`${project} tests`, process.execPath, [
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
  return readReport(project, outputFile, started, code);
}

process.exitCode = await runSuite(wanted, { command, vitest, tell });
