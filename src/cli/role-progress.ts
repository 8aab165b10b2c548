import type { Reporter, Step } from "../base/report.ts";
import type { HostResult } from "../converge/result.ts";
import { firstLine } from "./role-output.ts";
import { formatSeconds } from "./seconds.ts";

/**
 * What a run on several hosts looks like: a line moves for each host at work, a host that ended keeps its line, hosts that
 * were as wished are only counted. Off a terminal the lines that stay are all there is, so the step's own line names who is waited for.
 */
export function roleProgress(reporter: Reporter, step: Step, hosts: readonly string[]) {
  const width = Math.max(...hosts.map((name) => name.length)) + 2;
  const working = new Map<string, { label: string; begun: number }>();
  const ended = new Set<string>();

  const show = (): void => {
    const rows = [...working].map(
      ([host, { label, begun }]) => `  ${host.padEnd(width)}${label}  ${formatSeconds(Date.now() - begun)}`,
    );
    const [one] = working;
    if (hosts.length === 1) step.update(one === undefined ? "" : one[1].label);
    else step.update(`${ended.size} of ${hosts.length} hosts${atWork(working)}`, rows);
  };

  return (host: string, label: string, result?: HostResult): void => {
    if (result === undefined) {
      ended.delete(host);
      working.set(host, { label, begun: working.get(host)?.begun ?? Date.now() });
    } else {
      working.delete(host);
      ended.add(host);
      const line = hosts.length === 1 ? undefined : endLine(result);
      if (line !== undefined) reporter.info(`  ${host.padEnd(width)}${line}`);
    }
    show();
  };
}

/** More than so many at work are counted: one line has no room for a team. */
const namedAtMost = 3;

/** `  apollo: waiting for it to boot, 30 s`: those at work for longest, and what each does. */
function atWork(working: ReadonlyMap<string, { readonly label: string }>): string {
  if (working.size === 0) return "";
  const named = [...working].slice(0, namedAtMost).map(([host, { label }]) => `${host}: ${label}`);
  const more = working.size > named.length ? [`and ${working.size - named.length} more`] : [];
  return `  ${[...named, ...more].join("; ")}`;
}

/** How a host ended, for people; nothing for one that was, or has yet to be, changed. */
export function endLine({ host, state, changed, error, ms }: HostResult): string | undefined {
  if (state === "changed") return `ok      ${changed} changed  ${formatSeconds(ms)}`;
  if (state === "left") return "left    not begun: others failed";
  if (state !== "failed") return undefined;
  return `FAILED  ${firstLine(error?.message ?? "", host)}  ${formatSeconds(ms)}`;
}
