import { readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { setTimeout as wait } from "node:timers/promises";

/** Processor time that others take, in cores: measured over a second in which this process only waits. */
export async function othersWork(signal: AbortSignal): Promise<number> {
  const before = times();
  await wait(1_000, undefined, { signal });
  const after = times();
  const all = after.all - before.all;
  return all === 0 ? 0 : ((all - (after.idle - before.idle)) / all) * cpus().length;
}

/** More than this, in cores, and a figure was not taken on a quiet machine. */
const quiet = 0.2;

/** What a figure says that was taken while so much else was going on; nothing on a quiet machine. */
export function loadNote(others: readonly number[]): string {
  const worst = Math.max(0, ...others);
  return worst <= quiet ? "" : `busy: others took ${worst.toFixed(1)} cores, load ${loadavg()[0]!.toFixed(1)}`;
}

function times(): { all: number; idle: number } {
  const line = readFileSync("/proc/stat", "utf8").split("\n")[0]!;
  // user nice system idle iowait irq softirq steal; guest times are counted in user already.
  const ticks = line.split(/\s+/).slice(1, 9).map(Number);
  return { all: ticks.reduce((sum, one) => sum + one, 0), idle: ticks[3]! + ticks[4]! };
}
