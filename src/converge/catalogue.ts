import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { projectRoot } from "../base/paths.ts";
import { nearest } from "../team/nearest.ts";
import type { Role } from "./types.ts";

/** Roles by name. A role is the folder roles/<name> with a role.ts; the engine knows none of them. */
export interface Catalogue {
  names(): readonly string[];
  /** Throws E-ROLE-UNKNOWN, with the nearest name. */
  load(name: string): Promise<Role>;
}

export function projectCatalogue(folder = join(projectRoot, "roles")): Catalogue {
  const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, "role.ts")));
  return {
    names: () => names,
    async load(name) {
      if (!names.includes(name)) throw unknownRole(name, names);
      const { role } = (await import(pathToFileURL(join(folder, name, "role.ts")).href)) as { role: Role };
      return role;
    },
  };
}

export function unknownRole(name: string, names: readonly string[]): OlympusError {
  const near = nearest(name, names);
  return new OlympusError(`There is no role "${name}".`, {
    code: "E-ROLE-UNKNOWN",
    exit: exitCodes.usage,
    hint: `${near === undefined ? "" : `Did you mean ${near}? `}Known: ${[...names].sort().join(", ")}`,
  });
}
