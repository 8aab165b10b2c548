import type { Guard } from "../gates/destructive.ts";
import type { CommandResult } from "../sandbox/command.ts";
import { inside } from "../sandbox/mounts.ts";
import type { RunSandbox } from "../sandbox/sandbox.ts";
import { type Tool, textArgument } from "./tool.ts";

export interface BashLimits {
  /** Seconds a command gets, and the most that a model may ask for. */
  readonly seconds: number;
  readonly longest: number;
}

/** Longest script, bytes: whoever needs more writes files in several calls. */
const mostScript = 256 * 1024;

/** `guard` may hold a script until people decided, or refuse it; `redact` takes secrets out of what was printed, for the case that one got there nevertheless. */
export function bashTool(
  sandbox: RunSandbox,
  limits: BashLimits,
  guard: Guard | undefined,
  redact: (text: string) => string,
): Tool {
  return {
    spec: {
      name: "bash",
      description: `Runs a bash script in your workspace ${inside.work} and gives its exit code and output (stdout and stderr together; long output is cut in the middle and kept whole in a file). Each call is a new shell: directory and variables do not carry over, files do. No input, no background processes after the call.`,
      parameters: {
        type: "object",
        properties: {
          script: { type: "string", description: "The bash script." },
          timeout: {
            type: "integer",
            description: `Seconds, ${limits.seconds} unless given, at most ${limits.longest}.`,
          },
        },
        required: ["script"],
        additionalProperties: false,
      },
    },
    prepare: () => sandbox.prepare(),
    async run(input, signal) {
      const script = textArgument(input, "script");
      if (script === undefined) return { text: 'error: "script" must be a text with the commands to run' };
      if (Buffer.byteLength(script) > mostScript)
        return { text: `error: the script is longer than ${mostScript} bytes` };
      const wanted = Number((input as { timeout?: unknown }).timeout ?? limits.seconds);
      if (!Number.isFinite(wanted) || wanted <= 0) return { text: 'error: "timeout" must be a number of seconds' };
      const seconds = Math.min(wanted, limits.longest);
      const held = await guard?.(script, signal);
      if (held?.refused !== undefined)
        return { text: `error: not run: ${held.refused}. Do not try it in another way.`, waited: held.waited };
      const result = await sandbox.run(script, seconds, signal);
      signal.throwIfAborted();
      return { text: redact(describe(result, seconds)), ...(held && { waited: held.waited }) };
    },
  };
}

function describe({ code, ending, output, outOfProcesses }: CommandResult, seconds: number): string {
  const how = {
    exited: `exit code ${code}`,
    timeout: `killed after ${seconds} s, with everything it had started`,
    output: "killed: it printed too much",
    disk: "killed: the workspace is full",
    emptied:
      "ended: it took the last room on this machine's disk, so all files of your workspace, home and output were removed",
    memory: "killed: it wanted more memory than there is",
    stopped: "stopped",
  }[ending];
  const forks = outOfProcesses ? "; it wanted more processes than it may have" : "";
  const text = output.text === "" ? "(no output)" : output.text;
  return `[${how}${forks}${output.cut ? `; ${output.bytes} bytes of output` : ""}]\n${text}`;
}
