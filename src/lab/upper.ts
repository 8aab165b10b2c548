import type { Stats } from "node:fs";
import { lstat, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * A folder of what a machine wrote, and its path on this computer; made when it is missing. Root works there with this computer's eyes: a
 * link that the machine's own root left in the way would lead into this computer's files, so it gives way.
 */
export async function folderIn(upper: string, path: string): Promise<string> {
  let at = upper;
  for (const part of path.split("/").filter((one) => one !== "" && one !== ".")) {
    at = join(at, part);
    const there = await lookAt(at);
    if (there?.isDirectory()) continue;
    if (there !== undefined) await rm(at);
    await mkdir(at, { recursive: true });
  }
  return at;
}

/** Where a new file of a machine goes: in a folder of its own, with nothing in its place, neither a link nor the overlay's mark of a deleted one. */
export async function placeIn(upper: string, path: string): Promise<string> {
  await folderIn(upper, dirname(path));
  const file = join(upper, path);
  await rm(file, { recursive: true, force: true });
  return file;
}

/** What is at a path itself, links not followed; undefined when there is nothing. */
export async function lookAt(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
