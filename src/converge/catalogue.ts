import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { projectRoot } from "../base/paths.ts";
import { mustKnow } from "../team/unknown.ts";
import type { Role } from "./types.ts";

/** Roles by name. A role is the folder roles/<name> with a role.ts; the engine knows none of them. */
export interface Catalogue {
  names(): readonly string[];
  /** Throws E-UNKNOWN, with the nearest name. */
  load(name: string): Promise<Role>;
}

export function projectCatalogue(folder = join(projectRoot, "roles")): Catalogue {
  const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, "role.ts")));
  return {
    names: () => names,
    async load(name) {
      mustKnow("role", name, names);
      const { role } = (await import(pathToFileURL(join(folder, name, "role.ts")).href)) as { role: Role };
      return role;
    },
  };
}
