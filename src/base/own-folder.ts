import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runtimeDir } from "./paths.ts";
import { isAlive } from "./process.ts";

let made: string | undefined;

/**
 * A folder (0700) for private files of this process alone, gone when it ends. What processes that were killed left behind goes at the
 * first call.
 */
export function ownFolder(): string {
  if (made !== undefined) return made;
  const all = runtimeDir("processes");
  for (const name of existsSync(all) ? readdirSync(all) : []) {
    if (!isAlive(Number(name))) rmSync(join(all, name), { recursive: true, force: true });
  }
  const folder = join(all, String(process.pid));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  made = folder;
  return folder;
}
