import { join } from "node:path";
import { execa } from "execa";
import { projectRoot } from "../../src/base/paths.ts";

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Lines of stdout that are JSON objects, for runs with `--json`. */
  readonly events: readonly Record<string, unknown>[];
}

/** Runs the command line as a person would, in a process of its own. Resolves for every exit code. */
export async function olympus(
  args: readonly string[],
  { env = {}, timeoutMs = 1_200_000 }: { env?: Record<string, string>; timeoutMs?: number } = {},
): Promise<CliResult> {
  const result = await execa(join(projectRoot, "scripts/olympus"), args, {
    cwd: projectRoot,
    env: { ...env, CI: "true", NO_COLOR: "1" },
    stdin: "ignore",
    reject: false,
    timeout: timeoutMs,
  });
  const events = result.stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { code: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr, events };
}

/** Runs it and throws with its output when it does not end with 0. */
export async function olympusOk(args: readonly string[], options?: Parameters<typeof olympus>[1]): Promise<CliResult> {
  const result = await olympus(args, options);
  if (result.code !== 0) {
    throw new Error(`olympus ${args.join(" ")} ended with ${result.code}\n${result.stdout}\n${result.stderr}`);
  }
  return result;
}

/** Asks `ask` until it gives something, at most for `deadlineMs`. Throws with `what` and the last error. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  deadlineMs = 60_000,
  everyMs = 500,
): Promise<T> {
  const deadline = Date.now() + deadlineMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`waited ${deadlineMs / 1000} s for ${what}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
