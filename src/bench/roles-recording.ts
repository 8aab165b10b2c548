import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { projectRoot } from "../base/paths.ts";
import { inside, openRolesLab, type RolesLab } from "./roles-lab.ts";
import { olympusTool } from "./roles-tools.ts";

/**
 * Records what a run on eight machines looks like: five are as wished, on two somebody changed the same things, one is down.
 * `node src/bench/roles-recording.ts` runs the real commands and writes docs/reference/role-runs.json, and its texts into the page.
 * A test compares page and recording with what the output's code makes of the same results today.
 */
export interface RolesRecording {
  /** The last events of `check --json`: its results and errors, for rendering them again. */
  readonly check: readonly { readonly type: string }[];
  readonly runs: readonly { readonly command: string; readonly text: string; readonly exit: number }[];
}

export const recordingFile = join(projectRoot, "docs/reference/role-runs.json");
export const recordedPage = join(projectRoot, "docs/reference/role-runs.md");

/** The page with the runs in place of those that stand there. */
export function pageWith(page: string, { runs }: RolesRecording): string {
  const block = runs.map(({ command, text, exit }) => `$ ${command}\n${text}\nexit ${exit}`).join("\n\n");
  return page.replace(/(<!-- recorded -->\n```\n)[\s\S]*?(\n```\n)/, (_, before: string, after: string) =>
    [before, block, after].join(""),
  );
}

const words = (action: string): string[] => [
  action,
  "bench",
  "--host",
  "host-1,host-2,host-3,host-4,host-5,host-6,host-7,host-8",
];
const shown = (action: string): string => `npx olympus role ${action} bench --host 'host-*'`;

async function record(signal: AbortSignal): Promise<RolesRecording> {
  const lab = await openRolesLab(8, signal);
  try {
    const machines = await lab.converged(8, (first) => olympusTool(lab, signal).run([first]));
    for (const at of [1, 4]) {
      await inside(
        machines[at]!,
        "sed -i 's/^key_3_2 = .*/key_3_2 = by hand/' /etc/app/conf.d/3.conf; systemctl stop cron",
      );
    }
    await lab.lab.stop("host-8");
    const { stdout } = await run(lab, [...words("check"), "--json"]);
    const events = stdout.split("\n").map((line) => JSON.parse(line) as { readonly type: string });
    const check = events.filter(({ type }) => type === "role" || type === "error");
    const runs: RolesRecording["runs"][number][] = [];
    for (const action of ["check", "setup", "setup"]) {
      const { all, exitCode } = await run(lab, [...words(action), ...(action === "setup" ? ["--yes"] : [])]);
      runs.push({ command: shown(action), text: all.trimEnd(), exit: exitCode });
    }
    return { check, runs };
  } finally {
    await lab.close();
  }
}

async function run(lab: RolesLab, more: readonly string[]): Promise<{ all: string; stdout: string; exitCode: number }> {
  const [program = "", ...args] = lab.command;
  const { all, stdout, exitCode } = await execa(program, [...args, ...more], {
    env: lab.env,
    all: true,
    reject: false,
  });
  return { all, stdout, exitCode: exitCode ?? -1 };
}

if (import.meta.main) {
  const recording = await record(new AbortController().signal);
  writeFileSync(recordingFile, `${JSON.stringify(recording, undefined, 2)}\n`);
  writeFileSync(recordedPage, pageWith(readFileSync(recordedPage, "utf8"), recording));
}
