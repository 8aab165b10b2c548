import type { HostStatus } from "./status.ts";

const worst = { broken: 0, unreachable: 1, attention: 2, fine: 3 } as const;

/** Those that need somebody first. */
export function worstFirst(hosts: readonly HostStatus[]): HostStatus[] {
  return [...hosts].sort((a, b) => worst[a.state] - worst[b.state]);
}

/** What `status` prints: a line a host that is not fine (all with `all`), and a sum. Pure. */
export function statusLines(hosts: readonly HostStatus[], all: boolean, seconds: string): string[] {
  const width = Math.max(...hosts.map(({ name }) => name.length));
  const fine = hosts.filter(({ state }) => state === "fine").map(({ name }) => name);
  const lines = worstFirst(hosts)
    .filter(({ state }) => all || state !== "fine")
    .map(({ name, state, detail, next }) =>
      `${state.padEnd(11)} ${name.padEnd(width)}  ${detail}${next === "" ? "" : `   ${next}`}`.trimEnd(),
    );
  const whole = hosts.length === 1 ? `${fine[0]} is fine` : `All ${hosts.length} hosts are fine: ${fine.join(", ")}`;
  const sum = fine.length === hosts.length ? whole : `${fine.length} of ${hosts.length} hosts are fine`;
  return [...lines, `${sum}. Asked in ${seconds} s.`, ...builds(hosts)];
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
