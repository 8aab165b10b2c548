import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { open, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Group } from "./cgroup.ts";
import { freeSpace, type Usage, usage } from "./disk.ts";
import { inside } from "./mounts.ts";
import { type Shown, showOutput } from "./output.ts";
import { reserve } from "./workspace.ts";

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
  /** Everything before the program: entering the network, bubblewrap. */
  readonly prefix: readonly string[];
  readonly group: Group;
  readonly script: string;
  /** Unique in its run: names the files. */
  readonly name: string;
  readonly folders: { readonly work: string; readonly home: string; readonly output: string };
  readonly seconds: number;
  readonly limits: CommandLimits;
}

/** Joins its group first and only then becomes the sandbox: nothing of it ever ran outside. */
const launcher = 'echo 0 >"$1" || exit 125; ulimit -c 0; ulimit -n 4096; ulimit -f "$2"; shift 2; exec "$@"';

/** Files that a workspace may have. */
const mostFiles = 500_000;
const watchEveryMs = 200;
const MiB = 1024 * 1024;

/**
 * Runs a script with bash in the sandbox and waits until no process of it is left. Its output goes into a file, not through a pipe: a
 * process that floods costs the harness nothing. Never throws for what the command does; throws when the machine fails.
 */
export async function runCommand(plan: CommandPlan, signal: AbortSignal): Promise<CommandResult> {
  const { folders, group, limits, name } = plan;
  const outputFile = join(folders.output, `${name}.txt`);
  await writeFile(join(folders.output, `${name}.sh`), plan.script);
  const output = await open(outputFile, "ax", 0o600);
  const began = performance.now();
  let ending: Ending = "exited";
  let child: ChildProcess;
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
    const largest = Math.max(limits.disk, limits.output * 2) * MiB;
    child = spawn(
      "/bin/sh",
      [
        "-c",
        launcher,
        "sh",
        group.procsFile,
        String(largest / 512),
        ...plan.prefix,
        "bash",
        `${inside.output}/${name}.sh`,
      ],
      { stdio: ["ignore", output.fd, output.fd], env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }, cwd: "/" },
    );
    const ended = once(child, "exit") as Promise<[number | null]>;
    ended.catch(() => undefined);
    timer = setTimeout(() => kill("timeout"), plan.seconds * 1000);
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    const watching = watchUse(plan, outputFile, kill, watch.signal);
    const [code] = await ended;
    watch.abort();
    await watching;
    const events = await (killed === undefined ? group.events() : { outOfMemory: false, outOfProcesses: false });
    await (killed ?? group.clear());
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
    await output.close();
  }
}

/**
 * Looks every now and then whether the command prints or stores more than it may. What is left of the disk is asked first; files are
 * counted only when that has changed by much, since counting a large tree takes a while.
 */
async function watchUse(
  { folders, limits }: CommandPlan,
  outputFile: string,
  kill: (why: Ending) => void,
  signal: AbortSignal,
): Promise<void> {
  const most = { bytes: limits.disk * MiB, files: mostFiles };
  const before = await freeSpace(folders.work);
  let counted = before;
  for (;;) {
    // Ends early with the command.
    await pause(watchEveryMs, undefined, { signal }).catch(() => undefined);
    if ((await stat(outputFile)).size > limits.output * MiB) return kill("output");
    const free = await freeSpace(folders.work);
    if (free.bytes < reserve * MiB && free.bytes < before.bytes) return kill("disk");
    const much = counted.bytes - free.bytes > most.bytes / 16 || counted.files - free.files > most.files / 16;
    if (much) {
      counted = free;
      const used = await usageOfAll(folders, most);
      if (used.bytes > most.bytes || used.files > most.files) return kill("disk");
    }
    if (signal.aborted) return;
  }
}

async function usageOfAll(folders: CommandPlan["folders"], most: Usage): Promise<Usage> {
  const [work, home] = await Promise.all([usage(folders.work, most), usage(folders.home, most)]);
  return { bytes: work.bytes + home.bytes, files: work.files + home.files };
}
