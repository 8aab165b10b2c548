import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { identify, isAlive, type ProcessId } from "../src/base/process.ts";

/** What a process that is told to end has for that, ms. */
const graceMs = 1000;

/**
 * Ends a process and all that it or its children started: asked first, then killed. By pid, for what shares our own session and group, where
 * a signal to the group would be one to ourselves. Who has left the tree (its parent ended) is found for as long as it was seen in it.
 */
export async function endTree(pid: number): Promise<void> {
  const seen = new Map<number, ProcessId>();
  const signalAll = (signal: NodeJS.Signals): void => {
    for (const one of treeOf([pid, ...seen.keys()].filter((of) => !seen.has(of) || isAlive(seen.get(of))))) {
      const its = seen.get(one) ?? identify(one);
      if (its !== undefined) seen.set(one, its);
    }
    for (const one of seen.values()) send(one, signal);
  };
  signalAll("SIGTERM");
  const end = performance.now() + graceMs;
  while ([...seen.values()].some(isAlive) && performance.now() < end) await pause(20);
  signalAll("SIGKILL");
}

function send(to: ProcessId, signal: NodeJS.Signals): void {
  if (!isAlive(to)) return;
  try {
    process.kill(to.pid, signal);
  } catch (error) {
    // Ended just now; or it runs as somebody else (sudo), whom we may not signal.
    if (!["ESRCH", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

/** These processes and all that were started below them. */
function treeOf(roots: readonly number[]): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc").filter((one) => /^\d+$/.test(one))) {
    const parent = parentOf(name);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = new Set<number>();
  const more = [...roots];
  for (let pid = more.pop(); pid !== undefined; pid = more.pop()) {
    if (found.has(pid)) continue;
    found.add(pid);
    more.push(...(children.get(pid) ?? []));
  }
  return [...found];
}

function parentOf(pid: string): number | undefined {
  try {
    // The name, in brackets, may hold anything.
    return Number(readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\)/s, "").trim().split(" ")[1]);
  } catch {
    // Ended while it was looked for.
    return undefined;
  }
}
