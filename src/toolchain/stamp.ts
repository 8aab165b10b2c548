import { closeSync, fsyncSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Written last into a finished folder; what it names is checked by size on every run, which takes no reading. */
export interface Stamp {
  readonly origin: "found" | "download" | "build";
  /** What the tool says of itself or was asked as: for people. */
  readonly version: string;
  readonly files: Readonly<Record<string, number>>;
}

const name = ".olympus.json";

/** Lists `files` (relative to the folder) with their sizes, once their content is on the disk: after a power cut the right size stands for it. */
export function writeStamp(folder: string, stamp: Omit<Stamp, "files">, files: readonly string[]): void {
  for (const file of files) {
    const handle = openSync(join(folder, file), "r");
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  }
  const sizes = Object.fromEntries(files.map((file) => [file, statSync(join(folder, file)).size]));
  writeFileSync(join(folder, name), `${JSON.stringify({ ...stamp, files: sizes } satisfies Stamp, null, 2)}\n`, {
    flush: true,
  });
}

/** The stamp of a folder that is complete and has its files at the sizes they had, or undefined. */
export function readStamp(folder: string): Stamp | undefined {
  try {
    const stamp = JSON.parse(readFileSync(join(folder, name), "utf8")) as Stamp;
    const whole = Object.entries(stamp.files).every(([file, size]) => statSync(join(folder, file)).size === size);
    return whole ? stamp : undefined;
  } catch {
    // Missing or damaged is the same to the caller: it installs again.
    return undefined;
  }
}
