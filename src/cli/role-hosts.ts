import { exitCodes, OlympusError } from "../base/errors.ts";
import type { Host } from "../team/hosts.ts";
import { unknownWord } from "../team/unknown.ts";

const groups = { agents: "agent", services: "service", hypervisors: "hypervisor" } as const;

/** What a command says of the hosts that it means. */
export interface HostChoice {
  /** `athena,'a*',agents,on:r420,@failed` */
  readonly host?: string | undefined;
  readonly all?: boolean | undefined;
  /** The same words; of those chosen otherwise, or by itself. With `!` before a word: not these. */
  readonly limit?: string | undefined;
}

/**
 * The hosts that `--host`, `--all` and `--limit` mean, in the order of the team file. `failed` are those that did not end well last time,
 * `command` is what was typed after `role`, for an example. Throws E-UNKNOWN for a word that means none, and E-ROLE-HOST when nothing was
 * named: then nothing is meant, never everything.
 */
export function chooseHosts(
  hosts: readonly Host[],
  choice: HostChoice,
  command: string,
  failed: readonly string[] = [],
): Host[] {
  const limit = wordsOf(choice.limit);
  const wanted = limit.filter((word) => !word.startsWith("!"));
  const without = named(
    hosts,
    limit.filter((word) => word.startsWith("!")).map((word) => word.slice(1)),
    failed,
  );
  const byName = wordsOf(choice.host);
  if (choice.all !== true && byName.length === 0 && wanted.length === 0) throw noHostError(hosts, command);
  const chosen = choice.all === true || byName.length === 0 ? [...hosts] : named(hosts, byName, failed);
  const within = wanted.length === 0 ? hosts : named(hosts, wanted, failed);
  return chosen.filter((host) => within.includes(host) && !without.includes(host));
}

const wordsOf = (words: string | undefined): string[] => (words ?? "").split(",").filter((word) => word !== "");

function noHostError(hosts: readonly Host[], command: string): OlympusError {
  const example = `${command} --host ${hosts[0]?.name ?? "athena"}`;
  return new OlympusError("No host is named.", {
    code: "E-ROLE-HOST",
    exit: exitCodes.usage,
    hint: `Name a host, or --all. ${ranByNpm() ? byNpm(example) : `npx olympus role ${example}`}`,
  });
}

/** `npx` is npm too, but takes no options that stand after the program's name. */
const ranByNpm = (): boolean => ["role", "olympus"].includes(process.env.npm_lifecycle_event ?? "");

const byNpm = (command: string): string =>
  `npm takes options for itself: write -- before the options. npm run role -- ${command}`;

function named(hosts: readonly Host[], words: readonly string[], failed: readonly string[]): Host[] {
  const chosen = new Set<string>();
  for (const word of words) {
    if (word === "@failed" && failed.length === 0) {
      throw new OlympusError("No host failed in the last run from here.", {
        code: "E-ROLE-HOST",
        exit: exitCodes.usage,
        hint: "npx olympus role history",
      });
    }
    const found = hosts.filter(({ name, kind, hypervisor }) => {
      if (word === "@failed") return failed.includes(name);
      if (word.startsWith("on:")) return matches(word.slice("on:".length), hypervisor);
      return matches(word, name) || groups[word as keyof typeof groups] === kind;
    });
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
  const meant = `${[action, ...roles].join(" ")} --host ${eaten.join(",")}`;
  throw new OlympusError(`${host} is a host, not a role.`, {
    code: "E-ROLE-HOST",
    exit: exitCodes.usage,
    hint: ranByNpm() ? byNpm(meant) : `Hosts are named with --host: npx olympus role ${meant}`,
  });
}

/** With a group or --all, hosts without any of the roles are left out; a host named alone that lacks one is told so later. */
export function withRoles(
  hosts: readonly Host[],
  roles: readonly string[],
  { host, limit }: HostChoice,
): readonly Host[] {
  const names = [...wordsOf(host), ...wordsOf(limit)];
  const fitting = hosts.filter(
    (one) =>
      names.includes(one.name) ||
      (roles.length === 0 ? Object.keys(one.roles).length > 0 : roles.every((role) => role in one.roles)),
  );
  if (fitting.length > 0) return fitting;
  throw new OlympusError(`None of these hosts has ${roles.join(" and ") || "a role"}.`, {
    code: "E-ROLE-HOST",
    exit: exitCodes.usage,
    hint: "npx olympus role list shows which hosts have which roles.",
  });
}
