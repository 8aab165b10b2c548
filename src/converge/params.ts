import { z } from "zod";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { type Host, listHosts } from "../team/hosts.ts";
import { type JsonSchema, keysIn } from "../team/json-schema.ts";
import type { LoadedTeam } from "../team/model.ts";
import { schemaProblems } from "../team/values.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Role } from "./types.ts";

/** A role's parameters on a host, or what is wrong with them: each with place, line and fix, as for the rest of the team file. */
export function readParams(
  team: LoadedTeam,
  host: Host,
  role: Role,
): { readonly data: unknown; readonly errors: readonly OlympusError[] } {
  const params = host.roles[role.name] ?? {};
  const { data, error } = role.params.safeParse(params);
  if (error === undefined) return { data, errors: [] };
  const schema = z.toJSONSchema(role.params, { io: "input", unrepresentable: "any" }) as JsonSchema;
  const name = `the role ${role.name}`;
  const problems = schemaProblems(error.issues, params, { name, named: name, keys: (path) => keysIn(schema, path) });
  const errors = problems.map(({ path, part = "value", message, fix }) => {
    const shown = team.show?.([...sectionOf(team, host, role.name, path[0]), ...path], part);
    return new OlympusError(message, {
      code: "E-ROLE-PARAMS",
      exit: exitCodes.usage,
      hint: fix,
      ...(shown ?? { where: team.file }),
    });
  });
  return { data, errors };
}

/** What is wrong with parameters anywhere in the team file. What its hosts have without a word of it there has no parameters to be wrong. */
export async function wrongParams(team: LoadedTeam, catalogue: Catalogue): Promise<OlympusError[]> {
  const errors = new Map<string, OlympusError>();
  for (const host of listHosts(team)) {
    for (const [name, params] of Object.entries(host.roles)) {
      const named = name in ownOf(team, host) || team.team.defaults.machineRoles.includes(name);
      if (!named && Object.keys(params).length === 0) continue;
      // What is wrong in the defaults is so on every host, and told once.
      for (const error of readParams(team, host, await catalogue.load(name)).errors) {
        errors.set(`${error.where} ${error.message}`, error);
      }
    }
  }
  return [...errors.values()];
}

/** Where a parameter was written: with the host, else in the team's defaults; one that is nowhere is missed at the role. */
function sectionOf(team: LoadedTeam, host: Host, role: string, key: PropertyKey | undefined): readonly string[] {
  const mine = ownOf(team, host)[role];
  const defaults = team.team.defaults.roles[role];
  const inDefaults = mine === undefined ? defaults !== undefined : !has(mine, key) && has(defaults, key);
  return inDefaults ? ["defaults", "roles", role] : [`${host.kind}s`, host.name, "roles", role];
}

const has = (params: object | undefined, key: PropertyKey | undefined): boolean =>
  params !== undefined && key !== undefined && Object.hasOwn(params, key);

function ownOf({ team }: LoadedTeam, { kind, name }: Host): Host["roles"] {
  return team[`${kind}s`][name]?.roles ?? {};
}
