import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { runtimeDir } from "../base/paths.ts";
import { isAlive } from "../base/process.ts";
import { releasePrivateFiles } from "./private-files.ts";

/** Takes away the private files (keys, seeds) of stacks whose last user was killed. A folder that names no user yet is being made: it stays. */
export function sweepPrivateFiles(): void {
  const all = runtimeDir("stacks");
  for (const team of foldersIn(all)) {
    for (const stack of foldersIn(join(all, team))) {
      const folder = join(all, team, stack);
      const users = foldersIn(join(folder, "users")).map(Number);
      if (users.length > 0 && !users.some(isAlive)) releasePrivateFiles(folder);
    }
  }
}

function foldersIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
