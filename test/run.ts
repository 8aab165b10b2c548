import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { projectRoot } from "../src/base/paths.ts";
import { confirm } from "../src/cli/confirm.ts";
import { formatElapsed } from "../src/cli/terminal.ts";
import { mayBegin } from "./consent.ts";
import { type RunnerReport, readReport } from "./reports.ts";
import { runSuite, suites } from "./suites.ts";

/**
 * `scripts/test [--yes] [unit|check|contract|e2e|long|elsewhere]`: runs suites and closes with one line that is made from the
 * runners' own reports. Without a word: everything that CI runs.
 */
const words = process.argv.slice(2);
const yes = words.includes("--yes");
const [wanted = "all", ...filters] = words.filter((word) => word !== "--yes") as [keyof typeof suites, ...string[]];
if (!(wanted in suites)) {
  console.error(`scripts/test: unknown suite "${wanted}"; known: ${Object.keys(suites).join(", ")}`);
  process.exit(1);
}

const started = Date.now();
const reportsDir = join(projectRoot, ".olympus", "test-reports");

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
  mkdirSync(reportsDir, { recursive: true });
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

const agreeing = { json: false, yes, debug: false, input: true };
process.exitCode = await runSuite(wanted, {
  mayBegin: (suite) =>
    mayBegin(suite, {
      isRoot: process.getuid?.() === 0,
      tell: (line) => console.log(line),
      confirm: (question) => confirm(question, agreeing, new AbortController().signal),
    }),
  command,
  vitest,
  tell,
});
