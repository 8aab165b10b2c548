import { execFile } from "node:child_process";
import { lstat, opendir, statfs } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What a folder takes. */
export interface Usage {
  readonly bytes: number;
  readonly files: number;
}

/** Counts blocks and files under a folder; stops once `most` is passed. Folders that cannot be read count as one file. */
export async function usage(folder: string, most: Usage): Promise<Usage> {
  let bytes = 0;
  let files = 0;
  const waiting = [folder];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    try {
      for await (const entry of await opendir(next)) {
        const path = join(next, entry.name);
        files++;
        bytes += (await lstat(path)).blocks * 512;
        if (entry.isDirectory()) waiting.push(path);
        if (bytes > most.bytes || files > most.files) return { bytes, files };
      }
    } catch (error) {
      if (!passing.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
  return { bytes, files };
}

/** Files come and go while they are counted; a path can be longer than a call takes. */
const passing = new Set(["ENOENT", "EACCES", "ENOTDIR", "ENAMETOOLONG"]);

/** Bytes and files that the file system of a folder has left for us. */
export async function freeSpace(folder: string): Promise<Usage> {
  const { bavail, bsize, ffree } = await statfs(folder);
  return { bytes: bavail * bsize, files: ffree };
}

/** Removes a folder that a command had in its hands: names of any length, any depth, folders without rights. */
export async function removeTree(folder: string): Promise<void> {
  try {
    await run("rm", ["-rf", "--one-file-system", "--", folder]);
  } catch {
    await run("chmod", ["-R", "u+rwX", "--", folder]);
    await run("rm", ["-rf", "--one-file-system", "--", folder]);
  }
}
