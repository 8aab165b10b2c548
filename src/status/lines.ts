import type { HostStatus } from "./status.ts";

const worst = { broken: 0, unreachable: 1, attention: 2, fine: 3 } as const;

/** Those that need somebody first. */
export function worstFirst(hosts: readonly HostStatus[]): HostStatus[] {
  return [...hosts].sort((a, b) => worst[a.state] - worst[b.state]);
}

/** Of each machine on a hypervisor that answered, what libvirt says: `running on r420`. */
export function machinesOf(hosts: readonly HostStatus[]): Map<string, string> {
  return new Map(
    hosts.flatMap(({ name: hypervisor, machines = {} }) =>
      Object.entries(machines).map(([name, state]) => [name, `${state} on ${hypervisor}`] as const),
    ),
  );
}

/** What `status` prints: a line a host that is not fine, and a sum. `asked`: those that did not answer yet. `end` is said last. Pure. */
export function statusLines(hosts: readonly HostStatus[], end: string, asked: readonly string[] = []): string[] {
  const width = Math.max(...hosts.map(({ name }) => name.length));
  const count = hosts.length + asked.length;
  const fine = hosts.filter(({ state }) => state === "fine").map(({ name }) => name);
  const lines = worstFirst(hosts)
    .filter(({ state }) => state !== "fine")
    .map(({ name, state, detail, next }) =>
      `${state.padEnd(11)} ${name.padEnd(width)}  ${detail}${next === "" ? "" : `   ${next}`}`.trimEnd(),
    );
  const whole = count === 1 ? `${fine[0]} is fine` : `All ${count} hosts are fine: ${fine.join(", ")}`;
  const sum = fine.length === count ? whole : `${fine.length} of ${count} hosts are fine`;
  const silent = asked.length === 0 ? [] : [`No answer yet: ${asked.join(", ")}`];
  return [...lines, [`${sum}.`, end].join(" ").trimEnd(), ...silent, ...builds(hosts)];
}

/** That agents run different programs: one was not set up again after a change. */
function builds(hosts: readonly HostStatus[]): string[] {
  const known = hosts.flatMap(({ name, agent }) =>
    agent === undefined || agent.build === "" ? [] : [{ name, build: agent.build }],
  );
  const groups = [...Map.groupBy(known, ({ build }) => build)];
  if (groups.length < 2) return [];
  const told = groups.map(([build, agents]) => `${agents.map(({ name }) => name).join(", ")} ${build.slice(0, 8)}`);
  return [`Agents run different versions (${told.join("; ")}): npm run role -- setup agent`];
}
