import { readFileSync } from "node:fs";

/** A process that stays the same one: a number alone may be taken by another after its end. */
export interface ProcessId {
  readonly pid: number;
  /** Start time in clock ticks since boot, from /proc/<pid>/stat. */
  readonly started: string;
}

/** Identifies a running process; undefined when it is gone. */
export function identify(pid: number): ProcessId | undefined {
  const found = startOf(pid);
  return found && { pid, started: found.started };
}

/**
 * Whether exactly this process still runs; for a mere number, whether any process of that number does. One of another user counts,
 * one that has ended and that nobody has waited for (a zombie) does not.
 */
export function isAlive(process: ProcessId | undefined): process is ProcessId;
export function isAlive(pid: number): boolean;
export function isAlive(process: ProcessId | number | undefined): boolean {
  if (process === undefined) return false;
  const found = startOf(typeof process === "number" ? process : process.pid);
  if (found === undefined || found.state === "Z" || found.state === "X") return false;
  return typeof process === "number" || found.started === process.started;
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
