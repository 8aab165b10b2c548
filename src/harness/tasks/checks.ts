import type { RunSandbox } from "../sandbox/sandbox.ts";

/** What came of one of the repository's checks, as the harness saw it. */
export interface CheckResult {
  readonly command: string;
  readonly passed: boolean;
  /** `exit code 1`, or what ended it. */
  readonly ended: string;
  readonly seconds: number;
  /** The end of its output. */
  readonly tail: string;
}

const tailLines = 40;

/** Runs the checks one after the other in the sandbox. A check that fails does not keep the others from being run. */
export async function runChecks(
  sandbox: RunSandbox,
  commands: readonly string[],
  seconds: number,
  redact: (text: string) => string,
  signal: AbortSignal,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const command of commands) {
    const { code, ending, output, tookMs } = await sandbox.run(command, seconds, signal);
    signal.throwIfAborted();
    results.push({
      command,
      passed: ending === "exited" && code === 0,
      ended:
        ending === "exited"
          ? `exit code ${code}`
          : ending === "timeout"
            ? `no end after ${seconds} s`
            : `killed: ${ending}`,
      seconds: Math.round(tookMs / 100) / 10,
      tail: redact(output.text.trimEnd().split("\n").slice(-tailLines).join("\n")),
    });
  }
  return results;
}
