import { rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { replaceFile } from "../base/durable.ts";
import { withFileLock } from "../base/lock.ts";
import { cacheDir } from "../base/paths.ts";
import { expectedChecksum } from "./checksums.ts";
import { checksumError, downloadFile } from "./download.ts";

/** A publisher's file as a lock file has it. */
export const pinnedDownload = z.strictObject({
  /** The publisher's own archive. */
  url: z.url(),
  /** The publisher's own list of checksums (`<hex>  <file>` a line), read when `sha256` is not known yet. */
  checksums: z.url().optional(),
  /** Known in advance, or written here on first use. A different one is refused from then on. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});
export type PinnedDownload = z.infer<typeof pinnedDownload>;

/**
 * The sha256 that a publisher's file must have: the lock's, else what the publisher's list says, else that of the file itself,
 * which is downloaded for it and thrown away. Throws E-DOWNLOAD when neither can be had from here.
 */
export async function learnSha256(download: PinnedDownload, signal: AbortSignal): Promise<string> {
  const expected = await expectedChecksum(download, signal);
  if (expected !== undefined) return expected;
  const file = cacheDir("downloads", `${process.pid}-${new URL(download.url).pathname.split("/").at(-1)}`);
  try {
    return await downloadFile(download.url, file, undefined, { signal });
  } finally {
    rmSync(file, { force: true });
  }
}

/**
 * Writes a checksum that was seen for the first time into the lock file's download at `path`. Reads the file again under a lock: another
 * process may be writing another one. Throws E-CHECKSUM when that one saw a different file at the same address.
 */
export async function recordSha256(
  file: string,
  path: readonly string[],
  sha256: string,
  signal?: AbortSignal,
): Promise<void> {
  await withFileLock(`${file}.lock`, { signal }, async () => {
    const lock = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
    const entry = path.reduce((at, name) => at[name] as Record<string, unknown>, lock);
    if (entry.sha256 !== undefined && entry.sha256 !== sha256)
      throw checksumError(String(entry.url), String(entry.sha256), sha256);
    entry.sha256 = sha256;
    await replaceFile(file, `${JSON.stringify(lock, null, 2)}\n`, 0o644);
  });
}
