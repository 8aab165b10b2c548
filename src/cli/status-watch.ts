import { setTimeout as wait } from "node:timers/promises";
import type { SecretStore } from "../../secrets/store.ts";
import { readable } from "../base/readable.ts";
import { statusLines } from "../status/lines.ts";
import { teamStatus } from "../status/status.ts";
import { TeamWatch } from "../status/team-watch.ts";
import { listHosts } from "../team/hosts.ts";
import type { LoadedTeam } from "../team/model.ts";
import { mustKnow } from "../team/unknown.ts";
import { statusTables } from "./status-tables.ts";

/**
 * `status --watch` on a terminal: drawn anew in its place whenever a host answers, and each second for the ages. Each host is asked again
 * `everyMs` after its own answer. `notes`: what is said above all of them. Ends with the signal's reason; throws E-UNKNOWN for a name that
 * is none, and what keeps a host from being asked at all.
 */
export async function watchStatus(
  team: LoadedTeam,
  secrets: SecretStore,
  names: readonly string[],
  { notes, everyMs, signal }: { notes: () => Promise<string[]>; everyMs: number; signal: AbortSignal },
): Promise<void> {
  const all = listHosts(team);
  // Before the screen is cleared.
  for (const name of names) {
    mustKnow(
      "host",
      name,
      all.map((host) => host.name),
      team.file,
    );
  }
  const hosts = all.filter(({ name }) => names.length === 0 || names.includes(name));
  const watch = new TeamWatch();
  let above: readonly string[] = [];
  const draw = (): void => {
    const now = Date.now();
    const columns = process.stdout.columns || 80;
    const known = hosts.flatMap(({ name }) => watch.hosts.get(name)?.status ?? []);
    const asked = hosts.flatMap(({ name }) => (watch.hosts.has(name) ? [] : [name]));
    const lines = [
      `${new Date(now).toISOString().slice(11, 19)} UTC, each asked again after ${everyMs / 1000} s`,
      ...above,
      ...statusLines(known, "", asked),
      ...statusTables(hosts, watch.hosts, now, widthOf(columns)),
    ];
    process.stdout.write(frame(lines, columns, process.stdout.rows || 24));
  };
  // What fails in one ends them all: one that went on would keep the command from ending.
  const over = new AbortController();
  const both = AbortSignal.any([signal, over.signal]);
  const pause = () => wait(everyMs, undefined, { signal: both });
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
    const meant = hosts.map(({ name }) => name);
    const ask = watch.start(meant, (name, told) => teamStatus(team, secrets, both, [name], told), pause, both);
    await Promise.all([ask, lookAround()]);
  } finally {
    over.abort();
    clearInterval(ticking);
    stop();
  }
}

const clear = "\u001b[2J";

/** Characters of a line: a terminal may go on below as soon as its last column is written. */
const widthOf = (columns: number): number => Math.max(20, columns - 1);

/**
 * Lines in place of those before, for a terminal of this size: long ones go on in the next, what is too much is counted. What hosts say does
 * nothing to the terminal. Pure.
 */
export function frame(lines: readonly string[], columns: number, rows: number): string {
  const width = new RegExp(`.{1,${widthOf(columns)}}`, "gu");
  const all = lines.flatMap((line) => readable(line).replaceAll("\n", " ").match(width) ?? [""]);
  const room = Math.max(2, rows - 1);
  const shown = all.length <= room ? all : [...all.slice(0, room - 1), `… and ${all.length - room + 1} lines more`];
  return `\u001b[H${shown.map((line) => `${line}\u001b[K\n`).join("")}\u001b[J`;
}
