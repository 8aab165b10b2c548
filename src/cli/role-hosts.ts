import { exitCodes, OlympusError } from "../base/errors.ts";
import type { Host } from "../team/hosts.ts";
import { unknownWord } from "../team/unknown.ts";

const groups = { agents: "agent", services: "service", hypervisors: "hypervisor" } as const;

/**
 * The hosts that `--host a,b`, `--host 'a*'`, `--host agents` or `--all` mean, in the order of the team file.
 * Throws E-UNKNOWN for a word that means none, and E-ROLE-HOST when nothing was named: then nothing is meant, never everything.
 */
export function chooseHosts(hosts: readonly Host[], words: string | undefined, all: boolean): Host[] {
  if (all) return [...hosts];
  const wanted = (words ?? "").split(",").filter((word) => word !== "");
  if (wanted.length === 0) {
    throw new OlympusError("No host is named.", {
      code: "E-ROLE-HOST",
      exit: exitCodes.usage,
      hint: `Name a host, or --all: --host ${hosts[0]?.name ?? "athena"}. With npm run, write -- before the options: npm run role -- setup --host ${hosts[0]?.name ?? "athena"}`,
    });
  }
  const chosen = new Set<string>();
  for (const word of wanted) {
    const found = hosts.filter(({ name, kind }) => matches(word, name) || groups[word as keyof typeof groups] === kind);
    if (found.length === 0) {
      throw unknownWord("host", word, [...hosts.map(({ name }) => name), ...Object.keys(groups)]);
    }
    for (const { name } of found) chosen.add(name);
  }
  return hosts.filter(({ name }) => chosen.has(name));
}

function matches(pattern: string, name: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(name);
}

/** `npm run role reset agent --host athena`, without `--`, reaches us as `reset agent athena`: never guess what was meant. */
export function refuseHostsAsRoles(words: readonly string[], hosts: readonly Host[], action: string): void {
  const eaten = words.filter((word) => hosts.some(({ name }) => name === word));
  const [host] = eaten;
  if (host === undefined) return;
  // The value of another eaten option, such as a team file's path, is no role.
  const roles = words.filter((word) => !eaten.includes(word) && /^[a-z][a-z0-9-]*$/.test(word));
  throw new OlympusError(`${host} is a host, not a role.`, {
    code: "E-ROLE-HOST",
    exit: exitCodes.usage,
    hint: `npm takes options for itself: write -- before the options. npm run role -- ${[action, ...roles].join(" ")} --host ${eaten.join(",")}`,
  });
}
