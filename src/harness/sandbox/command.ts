import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Delegation, Group, GroupEvents, GroupLimits } from "./cgroup.ts";
import type { DiskWatch } from "./disk.ts";
import type { Launcher, Waiting } from "./launcher.ts";
import { inside } from "./mounts.ts";
import { type Shown, showOutput } from "./output.ts";

/** Why a command ended. `emptied`: it had taken so much that whatever its run had stored was removed. */
export type Ending = "exited" | "timeout" | "output" | "disk" | "emptied" | "memory" | "stopped";

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

export interface Preparation {
  readonly launcher: Launcher;
  readonly delegation: Delegation;
  readonly limits: CommandLimits & { readonly limits: GroupLimits };
  /** Unique in its run: names the group and the files. */
  readonly name: string;
  /** Folder of scripts and outputs, on this machine. */
  readonly output: string;
}

/** A sandbox that waits for its command. */
export interface Prepared {
  readonly waiting: Waiting;
  readonly group: Group;
  /** On this machine; the second as the command sees it. */
  readonly scriptFile: string;
  readonly outputFile: string;
  readonly outputInside: string;
}

export interface CommandPlan {
  readonly script: string;
  readonly seconds: number;
  readonly disk: DiskWatch;
  readonly limits: CommandLimits;
}

const watchEveryMs = 200;
const MiB = 1024 * 1024;

/** Makes everything that a command needs but its script: while a model thinks what to run, nobody waits for it. */
export async function prepareCommand({ launcher, delegation, limits, name, output }: Preparation): Promise<Prepared> {
  const outputFile = join(output, `${name}.txt`);
  const group = await delegation.make(name, limits.limits);
  await orClear(group, writeFile(outputFile, "", { flag: "wx" }));
  const waiting = launcher.prepare({
    procsFile: group.procsFile,
    script: `${inside.output}/${name}.sh`,
    output: outputFile,
    fileSize: Math.max(limits.disk, limits.output * 2) * 1024,
  });
  return {
    waiting,
    group,
    scriptFile: join(output, `${name}.sh`),
    outputFile,
    outputInside: `${inside.output}/${name}.txt`,
  };
}

/**
 * Runs a script with bash in a sandbox and waits until no process of it is left. Its output goes into a file, not through a pipe: a
 * process that floods costs the harness nothing. Never throws for what the command does; throws when the machine fails.
 */
export async function runCommand(
  { waiting, group, scriptFile, outputFile, outputInside }: Prepared,
  plan: CommandPlan,
  signal: AbortSignal,
): Promise<CommandResult> {
  const began = performance.now();
  let ending: Ending = "exited";
  let killed: Promise<GroupEvents> | undefined;
  const kill = (why: Ending) => {
    if (killed !== undefined) return;
    ending = why;
    killed = cleared(group);
    killed.catch(() => undefined);
  };
  const stop = () => kill("stopped");
  let timer: NodeJS.Timeout | undefined;
  const watch = new AbortController();
  try {
    await orClear(group, writeFile(scriptFile, plan.script));
    if (signal.aborted) stop();
    else waiting.start();
    timer = setTimeout(() => kill("timeout"), plan.seconds * 1000);
    signal.addEventListener("abort", stop);
    // A command that cannot be watched is not left to itself.
    const watching = watchUse(plan, outputFile, kill, watch.signal).catch((error: unknown) => {
      kill("stopped");
      return error;
    });
    const code = await waiting.ended;
    watch.abort();
    const unwatched = await watching;
    const events = await (killed ?? cleared(group));
    if (unwatched !== undefined) throw unwatched;
    if (ending === "exited" && events.outOfMemory) ending = "memory";
    return {
      code: ending === "exited" ? code : null,
      ending,
      output: await showOutput(outputFile, outputInside),
      tookMs: Math.round(performance.now() - began),
      outOfProcesses: events.outOfProcesses,
    };
  } finally {
    clearTimeout(timer);
    watch.abort();
    signal.removeEventListener("abort", stop);
  }
}

/** Ends all that is in the group, and gives what happened in it until then. */
async function cleared(group: Group): Promise<GroupEvents> {
  try {
    return await group.events();
  } finally {
    await group.clear();
  }
}

/** A disk without room for a file must not leave a sandbox that waits for ever. */
async function orClear(group: Group, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    await group.clear();
    throw error;
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
