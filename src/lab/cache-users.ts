import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { cacheDir } from "../base/paths.ts";
import { findHierarchies, groupPids } from "./cgroups.ts";
import { layout } from "./layout.ts";

/** Labs name themselves in the cache that their machines stand on: another lab may have a cache of its own. */
const entry = (lab: string): string => cacheDir("labs", lab);

/** Before a machine of the lab is started from this cache's roots. */
export async function standOnCache(lab: string): Promise<void> {
  await mkdir(dirname(entry(lab)), { recursive: true });
  await writeFile(entry(lab), "");
}

/** When nothing of the lab runs any more. */
export async function leaveCache(lab: string): Promise<void> {
  await rm(entry(lab), { force: true });
  if ((await entries()).length === 0) await rm(dirname(entry(lab)), { recursive: true, force: true });
}

/** Labs of other projects, and of tests, that run on this computer and stand on this cache: its roots, tools and images. */
export async function othersOnCache(): Promise<string[]> {
  const hierarchies = findHierarchies();
  const running: string[] = [];
  for (const lab of await entries()) {
    if (lab !== layout.lab && (await groupPids(hierarchies, lab)).length > 0) running.push(lab);
  }
  return running;
}

async function entries(): Promise<string[]> {
  try {
    return await readdir(dirname(entry("any")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
