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

/** Free space that commands never take, MiB: the database's. */
export const reserve = 256;
/** Files that a run may have. */
const mostFiles = 500_000;
const MiB = 1024 * 1024;

/** Whether the file system of a folder has what commands never take. */
export async function hasReserve(folder: string): Promise<boolean> {
  return (await freeSpace(folder)).bytes >= reserve * MiB;
}

/**
 * Watches what a run's folder takes. What is left of the disk is asked first; files are counted only when that has changed by much
 * since they were counted, by this command or those before it: counting a large tree takes a while.
 */
export class DiskWatch {
  readonly #folder: string;
  readonly #most: Usage;
  readonly #first: Usage;
  /** What was free when files were counted last, and whether they were too many. */
  #counted: Usage;
  #over = false;

  private constructor(folder: string, most: number, free: Usage) {
    this.#folder = folder;
    this.#most = { bytes: most * MiB, files: mostFiles };
    this.#first = free;
    this.#counted = free;
  }

  /** To be called before the run's first command, which may fill a disk at once. `most` in MiB. */
  static async begin(folder: string, most: number): Promise<DiskWatch> {
    return new DiskWatch(folder, most, await freeSpace(folder));
  }

  /** Whether the reserve was there when the run began and is not now. */
  async tookReserve(): Promise<boolean> {
    return this.#first.bytes >= reserve * MiB && !(await hasReserve(this.#folder));
  }

  /** Whether the run takes too much, and more than before: one that tidies is left alone. */
  async isFull(): Promise<boolean> {
    const free = await freeSpace(this.#folder);
    // What was full before this run began is not its doing.
    if (free.bytes < reserve * MiB && free.bytes < this.#first.bytes) return true;
    const bytes = this.#counted.bytes - free.bytes;
    const files = this.#counted.files - free.files;
    const much = bytes > (this.#over ? MiB : this.#most.bytes / 16) || files > this.#most.files / 16;
    if (!much && bytes > -this.#most.bytes / 16) return false;
    const used = await usage(this.#folder, this.#most);
    this.#counted = free;
    this.#over = used.bytes > this.#most.bytes || used.files > this.#most.files;
    return this.#over && much;
  }
}
