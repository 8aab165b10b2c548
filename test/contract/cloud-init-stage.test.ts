import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { test } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";

/**
 * The image's part of a boot that asks for one stage of cloud-init, with FIFOs in a /run of its own. What it asks for is played: when it
 * looks for the process that runs the stages, that has just answered, ended, or both.
 */

/** Runs the last stage; `answers` are what the looks for the process do, the first of them before the stage is asked for. */
async function lastStage(...answers: string[]): Promise<{ exitCode?: number | undefined; stderr: string }> {
  const folder = mkdtempSync(join(tmpdir(), "cloud-init-stage-"));
  const looks = answers.map((answer, at) => `${at + 1}) ${answer} ;;`).join("\n");
  const pgrep = `#!/bin/sh\necho >>${folder}/looks\ncase $(wc -l <${folder}/looks) in\n${looks}\nesac\n`;
  writeFileSync(join(folder, "pgrep"), pgrep, { mode: 0o755 });
  const script = [
    "mount -t tmpfs none /run",
    "mkdir /run/cloud-init",
    "mkfifo /run/cloud-init/stage-requests /run/cloud-init/stage-results",
    // Takes the request, as the process does.
    "{ cat /run/cloud-init/stage-requests >/dev/null & }",
    `PATH=${folder}:$PATH bash ${projectRoot}/vm-templates/debian-12/files/usr/lib/olympus/cloud-init-stage modules --mode=final`,
  ].join(" && ");
  try {
    return await execa("unshare", ["--mount", "sh", "-c", script], { reject: false });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
const answers = (code: number): string => `echo ${code} >/run/cloud-init/stage-results`;

test.concurrent.for([0, 1])(
  "the answer %i of a process that ends while it is looked for counts",
  async (code, { expect }) => {
    expect(await lastStage("exit 0", `${answers(code)}; exit 1`)).toMatchObject({ exitCode: code, stderr: "" });
  },
);

test.concurrent("a slow stage is waited for as long as its process lives", async ({ expect }) => {
  expect(await lastStage("exit 0", "exit 0", `${answers(0)}; exit 0`)).toMatchObject({ exitCode: 0, stderr: "" });
});

test.concurrent("a process that ended without an answer is told", async ({ expect }) => {
  const told = "cloud-init-server ended before the stage: modules --mode=final";
  expect(await lastStage("exit 0", "exit 1")).toMatchObject({ exitCode: 1, stderr: told });
});
