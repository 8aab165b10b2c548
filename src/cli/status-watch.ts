import { setTimeout as wait } from "node:timers/promises";
import type { SecretStore } from "../../secrets/store.ts";
import { readable } from "../base/readable.ts";
import { statusLines } from "../status/lines.ts";
import { teamStatus } from "../status/status.ts";
import { TeamWatch } from "../status/team-watch.ts";
import { listHosts } from "../team/hosts.ts";
import type { LoadedTeam } from "../team/model.ts";
import { statusTables } from "./status-tables.ts";

/**
 * `status --watch` on a terminal: drawn anew in its place whenever a host answers, and each second for the ages. Each host is asked again
 * `everyMs` after its own answer. `notes`: what is said above all of them. Ends with the signal's reason.
 */
export async function watchStatus(
  team: LoadedTeam,
  secrets: SecretStore,
  names: readonly string[],
  { notes, everyMs, signal }: { notes: () => Promise<string[]>; everyMs: number; signal: AbortSignal },
): Promise<void> {
  const hosts = listHosts(team).filter(({ name }) => names.length === 0 || names.includes(name));
  const watch = new TeamWatch();
  let above: readonly string[] = [];
  const draw = (): void => {
    const now = Date.now();
    const known = hosts.flatMap(({ name }) => watch.hosts.get(name)?.status ?? []);
    const asked = hosts.flatMap(({ name }) => (watch.hosts.has(name) ? [] : [name]));
    const lines = [
      `${new Date(now).toISOString().slice(11, 19)} UTC, each asked again after ${everyMs / 1000} s`,
      ...above,
      ...statusLines(known, "", asked),
      ...statusTables(hosts, watch.hosts, now),
    ];
    process.stdout.write(frame(lines, process.stdout.columns || 80, process.stdout.rows || 24));
  };
  const pause = () => wait(everyMs, undefined, { signal });
  const lookAround = async (): Promise<never> => {
    for (;;) {
      above = await notes();
      await pause();
    }
  };
  const stop = watch.listen(undefined, draw);
  const ticking = setInterval(draw, 1_000);
  process.stdout.write(clear);
  draw();
  try {
    // Names as they were given: what is no host is told as such.
    const all = names.length === 0 ? hosts.map(({ name }) => name) : names;
    const ask = watch.start(all, (name, told) => teamStatus(team, secrets, signal, [name], told), pause, signal);
    await Promise.all([ask, lookAround()]);
  } finally {
    clearInterval(ticking);
    stop();
  }
}

const clear = "\u001b[2J";

/**
 * Lines in place of those before, for a terminal of this size: long ones go on in the next, what is too much is counted. What hosts say does
 * nothing to the terminal. Pure.
 */
export function frame(lines: readonly string[], columns: number, rows: number): string {
  const width = new RegExp(`.{1,${Math.max(20, columns - 1)}}`, "gu");
  const all = lines.flatMap((line) => readable(line).replaceAll("\n", " ").match(width) ?? [""]);
  const room = Math.max(2, rows - 1);
  const shown = all.length <= room ? all : [...all.slice(0, room - 1), `… and ${all.length - room + 1} lines more`];
  return `\u001b[H${shown.map((line) => `${line}\u001b[K\n`).join("")}\u001b[J`;
}
