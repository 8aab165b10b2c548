import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { projectRoot } from "../base/paths.ts";
import { ownRoles, rolesIn } from "../team/own-roles.ts";
import { mustKnow } from "../team/unknown.ts";
import type { Role } from "./types.ts";

/** Roles by name. A role is the folder roles/<name> with a role.ts; the engine knows none of them. */
export interface Catalogue {
  names(): readonly string[];
  /** Throws E-UNKNOWN, with the nearest name. */
  load(name: string): Promise<Role>;
}

/** The project's roles, and the team's own; one of those takes the place of the project's of that name. */
export function projectCatalogue(teamFile?: string): Catalogue {
  const own = teamFile === undefined ? [] : ownRoles(teamFile);
  const files = new Map([...rolesIn(join(projectRoot, "roles")), ...own]);
  const names = [...files.keys()];
  return {
    names: () => names,
    async load(name) {
      mustKnow("role", name, names);
      const { role } = (await import(pathToFileURL(files.get(name)!).href)) as { role: Role };
      return role;
    },
  };
}
