import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** A process that stays the same one: a number alone may be taken by another after its end. */
export interface ProcessId {
  readonly pid: number;
  /** Start time in clock ticks since boot, from /proc/<pid>/stat. */
  readonly started: string;
}

function startOf(pid: number): { started: string; state: string } | undefined {
  try {
    // The name may hold spaces and brackets; fields are counted from behind it.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return { state: fields[0]!, started: fields[19]! };
  } catch {
    return undefined; // No such process: that is the answer.
  }
}

/** Identifies a running process; undefined when it is gone. */
export function identify(pid: number): ProcessId | undefined {
  const found = startOf(pid);
  return found && { pid, started: found.started };
}

/** Whether exactly this process still runs (a zombie does not). */
export function isAlive(process: ProcessId | undefined): process is ProcessId {
  if (process === undefined) return false;
  const found = startOf(process.pid);
  return found !== undefined && found.started === process.started && found.state !== "Z" && found.state !== "X";
}

/** Sends a signal to exactly this process; nothing when it has ended. */
export function signalProcess(target: ProcessId | undefined, signal: NodeJS.Signals | number): void {
  if (!isAlive(target)) return;
  try {
    process.kill(target.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Waits until `check` gives a value, asking every `everyMs`; undefined after `timeoutMs`. */
export async function waitFor<T>(
  check: () => T | undefined | Promise<T | undefined>,
  timeoutMs: number,
  everyMs = 20,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const value = await check();
    if (value !== undefined) return value;
    if (Date.now() >= end) return undefined;
    await sleep(everyMs);
  }
}

/** The processes listed in a `cgroup.procs`-like file; empty when it does not exist. */
export async function readPids(file: string): Promise<number[]> {
  try {
    return (await readFile(file, "utf8")).split("\n").filter(Boolean).map(Number);
  } catch (error) {
    if (["ENOENT", "ENODEV"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}
