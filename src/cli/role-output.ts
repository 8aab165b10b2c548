import { plural } from "../base/plural.ts";
import type { HostResult, UndoneRun } from "../converge/result.ts";
import { roughly } from "../dashboard/format.ts";
import { formatSeconds, minuteOf } from "./seconds.ts";

/** Of a file that is new: what is in it stands in the role. */
const shownOfNew = 8;
/** Where a list of names goes on in the next line. */
const lineWidth = 100;

/**
 * One block a host, in the order of the team file; equal changes are told once, and hosts with nothing to do in one line at the end.
 * `diff` shows what lines change: all of a change, the beginning of a new file.
 */
export function planLines(hosts: readonly HostResult[], diff: boolean, verb = "change"): string[] {
  const width = Math.max(...hosts.map(({ host }) => host.length), "as wished".length) + 2;
  const told = new Map<string, string>();
  const blocks = hosts.flatMap((result) => {
    const { host, state, lines, error, undoneRun } = result;
    if (error !== undefined) return [`${host.padEnd(width)}${firstLine(error.message, host)}`];
    if (state === "as-wished") return [];
    const text = JSON.stringify(lines);
    const same = told.get(text);
    const count = `${lines.length} to ${verb}${undoneRun === undefined ? "" : ` of ${runText(undoneRun)}`}`;
    if (same !== undefined) return [`${host.padEnd(width)}${count}  (same as ${same})`];
    told.set(text, host);
    return [
      `${host.padEnd(width)}${count}`,
      ...lines.flatMap(({ role, summary, diff: changed }) => [
        `  ~ ${role}: ${summary}`,
        ...(diff ? diffText(changed) : []).map((line) => `      ${line}`),
      ]),
      ...result.kept.map((line) => `  = stays: ${line}`),
    ];
  });
  const idle = hosts.filter(({ state }) => state === "as-wished").map(({ host }) => host);
  return [...blocks, ...nameList("as wished".padEnd(width), idle)];
}

/** As `role history` shows it: `role setup all by kim@laptop, 2026-11-23 07:12 (2 h ago)`. */
const runText = ({ what, who, since, secondsAgo }: UndoneRun): string =>
  `${what} by ${who}, ${minuteOf(since * 1000)} (${roughly(secondsAgo * 1000)} ago)`;

/** What it says first, without the host that stands before it already. */
export const firstLine = (message: string, host: string): string => message.split("\n")[0]!.replace(`${host}: `, "");

/** A change whole; of lines that are all new, the first ones and how many follow. */
function diffText(lines: readonly string[]): readonly string[] {
  if (lines.length <= shownOfNew + 1 || !lines.every((line) => line.startsWith("+"))) return lines;
  return [...lines.slice(0, shownOfNew), `  and ${lines.length - shownOfNew} lines more`];
}

function nameList(head: string, names: readonly string[]): string[] {
  const rows: string[] = [];
  for (const name of names) {
    const last = rows.at(-1);
    if (last !== undefined && last.length + name.length + 2 <= lineWidth) rows[rows.length - 1] = `${last}, ${name}`;
    else rows.push(`${rows.length === 0 ? head : " ".repeat(head.length)}${name}`);
  }
  return rows;
}

/** What a run left behind on purpose, and what it was to reset and did not find. */
export function keptLines(hosts: readonly HostResult[]): string[] {
  return hosts.flatMap(({ host, kept, absent = [] }) => [
    ...absent.map((role) => `${host}: ${role} is not set up there`),
    ...kept.map((line) => `${host}: stays: ${line}`),
  ]);
}

/** `6 as wished (4 changed, 12 operations) · 1 unreachable`, and the time. Where something is undone, nobody asked how hosts are wished. */
export function closingLine(hosts: readonly HostResult[], ms: number, undoes = false): string {
  const looked = hosts.reduce((sum, one) => sum + one.looked, 0);
  const of = (state: HostResult["state"]): HostResult[] => hosts.filter((one) => one.state === state);
  const changes = (some: readonly HostResult[]): number => some.reduce((sum, { changed }) => sum + changed, 0);
  const parts: string[] = [];
  const wished = of("as-wished");
  const changed = of("changed");
  const pending = of("pending");
  if (wished.length === hosts.length) {
    if (undoes) return `${plural(hosts.length, "host")}: nothing to undo, ${formatSeconds(ms)}`;
    return `${plural(hosts.length, "host")} as wished, nothing changed (${looked} operations looked at), ${formatSeconds(ms)}`;
  }
  if (wished.length > 0) parts.push(`${wished.length} ${undoes ? "with nothing to undo" : "as wished"}`);
  if (changed.length > 0) parts.push(`${changed.length} changed (${plural(changes(changed), "operation")})`);
  if (pending.length > 0) {
    parts.push(`${pending.length} would change (${plural(pending.flatMap(({ lines }) => lines).length, "operation")})`);
  }
  const left = of("left");
  if (left.length > 0) parts.push(`${left.length} not begun`);
  const failed = Map.groupBy(of("failed"), ({ error }) => failures[error?.code ?? ""] ?? "failed");
  for (const [word, some] of failed) parts.push(`${some.length} ${word}`);
  return `${plural(hosts.length, "host")}: ${parts.join(" · ")}, ${formatSeconds(ms)}`;
}

const failures: Record<string, string> = {
  "E-SSH-REFUSED": "unreachable",
  "E-SSH-JUMP": "unreachable",
  "E-SSH-TIMEOUT": "unreachable",
  "E-SSH-LOST": "lost",
  "E-LOCKED": "locked",
  "E-HOSTKEY": "with another host key",
};
