import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Group } from "./cgroup.ts";
import type { DiskWatch } from "./disk.ts";
import type { Launcher } from "./launcher.ts";
import { inside } from "./mounts.ts";
import { type Shown, showOutput } from "./output.ts";

/** Why a command ended. */
export type Ending = "exited" | "timeout" | "output" | "disk" | "memory" | "stopped";

export interface CommandResult {
  /** Null when it was killed. 128 and the signal's number when a signal ended it inside. */
  readonly code: number | null;
  readonly ending: Ending;
  readonly output: Shown;
  readonly tookMs: number;
  /** It wanted more processes than it may have. */
  readonly outOfProcesses: boolean;
}

export interface CommandLimits {
  /** MiB of the workspace and home. */
  readonly disk: number;
  /** MiB that a command may print. */
  readonly output: number;
}

export interface CommandPlan {
  readonly launcher: Launcher;
  readonly group: Group;
  readonly script: string;
  /** Unique in its run: names the files. */
  readonly name: string;
  /** Folder of scripts and outputs, on this machine. */
  readonly output: string;
  readonly disk: DiskWatch;
  readonly seconds: number;
  readonly limits: CommandLimits;
}

const watchEveryMs = 200;
const MiB = 1024 * 1024;

/**
 * Runs a script with bash in the sandbox and waits until no process of it is left. Its output goes into a file, not through a pipe: a
 * process that floods costs the harness nothing. Never throws for what the command does; throws when the machine fails.
 */
export async function runCommand(plan: CommandPlan, signal: AbortSignal): Promise<CommandResult> {
  const { group, limits, name } = plan;
  const outputFile = join(plan.output, `${name}.txt`);
  await writeFile(join(plan.output, `${name}.sh`), plan.script);
  await writeFile(outputFile, "", { flag: "wx" });
  const began = performance.now();
  let ending: Ending = "exited";
  let killed: Promise<void> | undefined;
  const kill = (why: Ending) => {
    if (killed !== undefined) return;
    ending = why;
    killed = group.clear();
    killed.catch(() => undefined);
  };
  const stop = () => kill("stopped");
  let timer: NodeJS.Timeout | undefined;
  const watch = new AbortController();
  try {
    const ended = plan.launcher.launch({
      procsFile: group.procsFile,
      script: `${inside.output}/${name}.sh`,
      output: outputFile,
      blocks: (Math.max(limits.disk, limits.output * 2) * MiB) / 512,
    });
    ended.catch(() => undefined);
    timer = setTimeout(() => kill("timeout"), plan.seconds * 1000);
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    // A command that cannot be watched is not left to itself.
    const watching = watchUse(plan, outputFile, kill, watch.signal).catch((error: unknown) => {
      kill("stopped");
      return error;
    });
    const code = await ended;
    watch.abort();
    const unwatched = await watching;
    const events = await (killed === undefined ? group.events() : { outOfMemory: false, outOfProcesses: false });
    await (killed ?? group.clear());
    if (unwatched !== undefined) throw unwatched;
    if (ending === "exited" && events.outOfMemory) ending = "memory";
    return {
      code: ending === "exited" ? code : null,
      ending,
      output: await showOutput(outputFile, `${inside.output}/${name}.txt`),
      tookMs: Math.round(performance.now() - began),
      outOfProcesses: events.outOfProcesses,
    };
  } finally {
    clearTimeout(timer);
    watch.abort();
    signal.removeEventListener("abort", stop);
  }
}

/** Looks every now and then whether the command prints or stores more than it may. */
async function watchUse(
  { disk, limits }: CommandPlan,
  outputFile: string,
  kill: (why: Ending) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    // Ends early with the command.
    await pause(watchEveryMs, undefined, { signal }).catch(() => undefined);
    if ((await stat(outputFile)).size > limits.output * MiB) return kill("output");
    if (await disk.isFull()) return kill("disk");
  }
}
