import { existsSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** Roles in a folder, by name: `<name>/role.ts`. None when there is no such folder. */
export function rolesIn(folder: string): ReadonlyMap<string, string> {
  if (!existsSync(folder)) return new Map();
  const files = readdirSync(folder).map((name) => [name, join(folder, name, "role.ts")] as const);
  return new Map(files.filter(([, file]) => existsSync(file)));
}

/** A team's own roles: those in the folder `roles` beside its file. */
export function ownRoles(teamFile: string): ReadonlyMap<string, string> {
  return rolesIn(resolve(dirname(teamFile), "roles"));
}
