import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../base/paths.ts";

/** Checksums that were taken from a publisher at the first download, by address. Committed with the project. */
type DownloadLock = Readonly<Record<string, { readonly sha256: string }>>;

const file = join(projectRoot, "vm-templates", "images.lock.json");

/** What is pinned so far; empty before the first download. */
export function readDownloadLock(): DownloadLock {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as DownloadLock) : {};
}

/** Pins an address to a checksum, for good: a change needs an edit by hand. */
export function pinDownload(url: string, sha256: string): void {
  const lock = { ...readDownloadLock(), [url]: { sha256 } };
  writeFileSync(`${file}.new`, `${JSON.stringify(lock, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}
