import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { identify, isAlive, type ProcessId } from "../base/process.ts";

export { identify, isAlive, type ProcessId };

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
