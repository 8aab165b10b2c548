import { existsSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
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

/** The project's own roles, and those in the folder `roles` beside the team file; one there takes the place of the project's of that name. */
export function projectCatalogue(teamFile?: string): Catalogue {
  const places = [join(projectRoot, "roles"), ...(teamFile === undefined ? [] : [resolve(dirname(teamFile), "roles")])];
  const files = new Map(
    places
      .filter((folder) => existsSync(folder))
      .flatMap((folder) => readdirSync(folder).map((name) => [name, join(folder, name, "role.ts")] as const))
      .filter(([, file]) => existsSync(file)),
  );
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
