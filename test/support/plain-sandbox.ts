/** A sandbox that keeps nothing in: for tests of what is done with one, on machines that cannot make a real one. */
import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { inside } from "../../src/harness/sandbox/mounts.ts";
import type { Sandbox } from "../../src/harness/sandbox/sandbox.ts";
import { openWorkspace } from "../../src/harness/sandbox/workspace.ts";

/** Runs scripts with the machine's bash, in a folder of each run. */
export function plainSandbox(root = mkdtempSync(join(tmpdir(), "olympus-plain-sandbox-"))): Sandbox {
  return {
    population: async () => 0,
    async open(run) {
      const workspace = await openWorkspace(root, run);
      mkdirSync(workspace.work, { recursive: true });
      return {
        workspace,
        close: async () => undefined,
        prepare: () => undefined,
        async run(script, seconds, signal) {
          const began = performance.now();
          const result = await execa("bash", ["-c", script.replaceAll(inside.home, workspace.home)], {
            cwd: workspace.work,
            env: { PATH: process.env.PATH ?? "", HOME: workspace.home, GIT_CONFIG_NOSYSTEM: "1", LANG: "C.UTF-8" },
            extendEnv: false,
            all: true,
            reject: false,
            timeout: seconds * 1000,
            cancelSignal: signal,
          });
          const text = String(result.all ?? "");
          return {
            code: result.exitCode ?? null,
            ending: result.timedOut ? "timeout" : result.isCanceled ? "stopped" : "exited",
            output: { text, bytes: text.length, cut: false },
            tookMs: performance.now() - began,
            outOfProcesses: false,
          };
        },
      };
    },
  };
}
