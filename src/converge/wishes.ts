import { exitCodes, OlympusError } from "../base/errors.ts";
import type { Host } from "../team/hosts.ts";
import type { Catalogue } from "./catalogue.ts";
import { readParams } from "./params.ts";
import type { RoleWish } from "./plan.ts";
import { restate } from "./restate.ts";
import type { Role, RoleContext } from "./types.ts";

/**
 * A host's roles that a command means, with those that they need on the same host, in order of need.
 * Throws E-UNKNOWN, E-ROLE-HOST (the host does not carry it) or E-ROLE-REQUIRES (what it needs is nowhere).
 */
export async function orderRoles(
  host: Host,
  hosts: readonly Host[],
  wanted: readonly string[] | undefined,
  catalogue: Catalogue,
): Promise<Role[]> {
  const own = Object.keys(host.roles);
  for (const name of wanted ?? []) {
    await catalogue.load(name);
    if (own.includes(name)) continue;
    throw new OlympusError(`${host.name} does not have the role ${name}.`, {
      code: "E-ROLE-HOST",
      exit: exitCodes.usage,
      where: host.name,
      hint: `It has: ${own.join(", ") || "none"}. Add the role to ${host.name} in the team file, or choose another host.`,
    });
  }
  const ordered: Role[] = [];
  const visit = async (name: string, path: readonly string[]): Promise<void> => {
    if (ordered.some((role) => role.name === name)) return;
    if (path.includes(name)) throw requiresError(host, `roles need one another: ${[...path, name].join(" -> ")}`);
    const role = await catalogue.load(name);
    for (const { role: needed, on } of role.requires) {
      if (on === "host") {
        if (!own.includes(needed)) throw requiresError(host, `${name} needs ${needed} on the same host`);
        await visit(needed, [...path, name]);
      } else if (!hosts.some(({ roles }) => needed in roles)) {
        throw requiresError(host, `${name} needs ${needed} on some host of the team`);
      }
    }
    ordered.push(role);
  };
  // base first: people's keys and the machine's names are what everything else may count on.
  for (const name of [...(wanted ?? own)].sort((a, b) => Number(b === "base") - Number(a === "base"))) {
    await visit(name, []);
  }
  return ordered;
}

function requiresError(host: Host, message: string): OlympusError {
  return new OlympusError(`${host.name}: ${message}.`, {
    code: "E-ROLE-REQUIRES",
    exit: exitCodes.usage,
    where: host.name,
    hint: "Add the role in the team file.",
  });
}

/** The operations of each role, from parameters in the team file. Throws E-ROLE-PARAMS with the place of what is wrong. */
export async function wishesOf(roles: readonly Role[], context: RoleContext): Promise<RoleWish[]> {
  const { host, team } = context;
  const wishes: RoleWish[] = [];
  for (const role of roles) {
    const { data, errors } = readParams(team, host, role);
    const [wrong] = errors;
    if (wrong !== undefined) throw restate(wrong, `${host.name}: ${wrong.message}`);
    const operations = role.setup(await role.inputs(context, data), data);
    wishes.push({ role: role.name, operations });
  }
  // Roles that make room wish for nothing: what they wished before is taken away like anything that is no longer wished.
  const replaced = roles.flatMap(({ replaces = [] }) => replaces).filter((name) => !(name in host.roles));
  return [...wishes, ...replaced.map((role) => ({ role, operations: [] }))];
}

/**
 * Hosts in waves: a host comes after those that carry what its roles need elsewhere in the team.
 * Hosts that need one another share a wave.
 */
export function wavesOf(rolesByHost: ReadonlyMap<string, readonly Role[]>): string[][] {
  const needs = new Map(
    [...rolesByHost].map(([host, roles]) => {
      const needed = roles.flatMap(({ requires }) =>
        requires.filter(({ on }) => on === "team").map(({ role }) => role),
      );
      const others = [...rolesByHost].filter(
        ([other, theirs]) => other !== host && theirs.some(({ name }) => needed.includes(name)),
      );
      return [host, others.map(([other]) => other)] as const;
    }),
  );
  const waves: string[][] = [];
  const left = new Set(rolesByHost.keys());
  while (left.size > 0) {
    let wave = [...left].filter((host) => needs.get(host)!.every((other) => !left.has(other)));
    if (wave.length === 0) wave = [...left];
    for (const host of wave) left.delete(host);
    waves.push(wave);
  }
  return waves;
}
