import { quote } from "../base/quote.ts";
import type { HostResult } from "../converge/result.ts";
import type { Action, RoleOptions } from "./role-options.ts";

/** Errors of hosts that could not be talked to: what is wrong there, `olympus doctor` finds out. */
const unreachable = new Set(["E-SSH-REFUSED", "E-SSH-TIMEOUT", "E-SSH-JUMP", "E-SSH-AUTH", "E-ROLE-BOOT"]);

/** Refusals that the same command can only meet again: what to do in its place, the error says. */
const final: Partial<Record<Action, string>> = { reset: "E-ROLE-REQUIRES", rollback: "E-ROLE-ROLLBACK" };

/**
 * Commands that come next: for what is pending after a check, for those that failed or were left alone (the same again, which goes
 * on where a run stopped; the way back where a setup had begun; why one cannot be reached). Nothing when all is as wished.
 */
export function nextLines(
  action: Action,
  roles: readonly string[],
  hosts: readonly HostResult[],
  meant: Pick<RoleOptions, "only" | "skip" | "purge"> = {},
): string[] {
  const same = [...roles, ...(["only", "skip", "purge"] as const).flatMap((name) => optionOf(name, meant[name]))];
  const act = (what: Action, some: readonly HostResult[]): string =>
    `npx olympus role ${[what, ...(what === "rollback" ? [] : same), "--host", some.map(({ host }) => host).join(",")].join(" ")}`;
  const pending = hosts.filter(({ state }) => state === "pending");
  const failed = hosts.filter(({ state }) => state === "failed" || state === "left");
  const again = failed.filter(({ error }) => error === undefined || error.code !== final[action]);
  const half = action === "setup" ? failed.filter(({ error }) => error?.code === "E-ROLE-APPLY") : [];
  const away = failed.filter(({ error }) => unreachable.has(error?.code ?? ""));
  const lines: [string, string][] = [];
  if (action === "check" && pending.length > 0) lines.push(["do it", act("setup", pending)]);
  if (again.length > 0) {
    lines.push([half.length > 0 ? `go on with ${countOf(again)}` : `again for ${countOf(again)}`, act(action, again)]);
  }
  if (half.length > 0) lines.push([`or take back what ${countOf(half)} got`, act("rollback", half)]);
  for (const { host } of away) lines.push([`why ${host}`, `npx olympus doctor ${host}`]);
  const width = Math.max(...lines.map(([what]) => what.length)) + 3;
  return lines.map(([what, how]) => `  ${`${what}:`.padEnd(width)}${how}`);
}

const optionOf = (name: string, value: string | undefined): string[] =>
  value === undefined ? [] : [`--${name} ${quote(value)}`];

const numbers = ["", "", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/** `ares`, `the two`, `the 12`. */
function countOf(hosts: readonly HostResult[]): string {
  return hosts.length === 1 ? hosts[0]!.host : `the ${numbers[hosts.length] ?? hosts.length}`;
}
