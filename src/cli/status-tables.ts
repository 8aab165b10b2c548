import { lasting, money, roughly } from "../dashboard/format.ts";
import { machinesOf } from "../status/lines.ts";
import type { HostStatus } from "../status/status.ts";
import type { Seen } from "../status/team-watch.ts";
import type { Host } from "../team/hosts.ts";
import { table } from "./table.ts";

/** What a terminal that is too narrow for the agents' table goes without, the least needed first. */
const spare: readonly string[] = ["version", "up", "drift", "asked", "machine"];

type Shown = Pick<Host, "name" | "kind" | "machine">;

/**
 * Agents with what they do, cost and run on, then the other hosts with what they say: `status` with `--all` and `--watch`. Who did not
 * answer yet is there too, so that no line moves when it does. An agent stays on one line of `width` characters. Pure.
 */
export function statusTables(
  hosts: readonly Shown[],
  seen: ReadonlyMap<string, Seen>,
  now: number,
  width = Number.POSITIVE_INFINITY,
): string[] {
  const agents = hosts.filter(({ kind }) => kind === "agent");
  const others = hosts.filter(({ kind }) => kind !== "agent");
  const machines = machinesOf([...seen.values()].map(({ status }) => status));
  const onMachine = ({ name, machine }: Shown) =>
    machine === undefined ? "hypervisor" : (machines.get(name) ?? `on ${machine.hypervisor}`);
  return [
    ...fitting(
      ["agent", "state", "queue", "today", "version", "up", "machine", "drift", "asked"],
      agents.map((host) => {
        const one = seen.get(host.name);
        return [host.name, does(one, now), ...factsOf(one?.status, now), onMachine(host), ...lookOf(one, now)];
      }),
      width,
    ),
    ...tableOf(
      ["host", "state", "machine", "drift", "asked", "says"],
      others.map((host) => {
        const one = seen.get(host.name);
        return [
          host.name,
          one?.status.state ?? "asking",
          onMachine(host),
          ...lookOf(one, now),
          one?.status.detail ?? "",
        ];
      }),
    ),
  ];
}

function tableOf(heads: readonly string[], rows: readonly string[][], right: readonly number[] = []): string[] {
  return rows.length === 0 ? [] : ["", ...table(heads, rows, right).split("\n")];
}

/** The agents' table, whose third column is a number, without as many of its spare columns as it takes to fit. */
function fitting(heads: readonly string[], rows: readonly string[][], width: number): string[] {
  const gone = new Set<string>();
  const kept = <T>(cells: readonly T[]) => cells.filter((_, at) => !gone.has(heads[at]!));
  const lines = () => tableOf(kept(heads), rows.map(kept), [2]);
  for (const head of spare) {
    if (lines().every((line) => line.length <= width)) break;
    gone.add(head);
  }
  return lines().map((line) => (line.length <= width ? line : `${line.slice(0, width - 1)}…`));
}

/** What a line above it says already is not said again: of one that is not fine, only how it is. */
function does(one: Seen | undefined, now: number): string {
  if (one === undefined) return "asking";
  const { state, agent } = one.status;
  if (state !== "fine" || agent === undefined) return state;
  const answered = agent.working > 0 || agent.lastAnswer === undefined;
  return answered ? agent.does : `${agent.does}, last answer ${roughly(now - agent.lastAnswer!)} ago`;
}

function factsOf(status: HostStatus | undefined, now: number): string[] {
  if (status?.agent === undefined) return Array<string>(4).fill("?");
  const { waiting, spentToday, budgetDay, build, startedAt, rehearsal } = status.agent;
  const today = `${money(spentToday)} of ${money(budgetDay)}`;
  return [
    String(waiting),
    rehearsal ? `${today}, rehearsal` : today,
    build.slice(0, 8) || "sources",
    lasting(now - startedAt),
  ];
}

function lookOf(one: Seen | undefined, now: number): string[] {
  if (one === undefined) return ["", ""];
  const { drift } = one.status;
  const found = drift === undefined ? "?" : drift.pending === 0 ? "none" : String(drift.pending);
  return [found, `${roughly(now - one.at)} ago`];
}
