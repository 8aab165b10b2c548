import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "../base/durable.ts";
import { withFileLock } from "../base/lock.ts";
import { projectRoot } from "../base/paths.ts";

/** Checksums that were taken from a publisher at the first download, by address. Committed with the project. */
type DownloadLock = Readonly<Record<string, { readonly sha256: string }>>;

const lockFile = join(projectRoot, "vm-templates", "images.lock.json");

/** What is pinned so far; empty before the first download. */
export function readDownloadLock(file: string = lockFile): DownloadLock {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as DownloadLock) : {};
}

/**
 * Pins an address to a checksum, for good: a change needs an edit by hand. Gives the one that counts, which is another process's when that
 * was first.
 */
export async function pinDownload(url: string, sha256: string, file: string = lockFile): Promise<string> {
  return withFileLock(`${file}.lock`, {}, async () => {
    const lock = readDownloadLock(file);
    if (lock[url] !== undefined) return lock[url].sha256;
    await replaceFile(file, `${JSON.stringify({ ...lock, [url]: { sha256 } }, null, 2)}\n`, 0o644);
    return sha256;
  });
}
