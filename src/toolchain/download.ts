import { createHash } from "node:crypto";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf, OlympusError } from "../base/errors.ts";

export interface DownloadSettings {
  readonly signal: AbortSignal;
  /** Until the first byte of an answer, in ms. */
  readonly connectTimeout?: number;
  /** Longest silence in the middle of a download, in ms. */
  readonly stallTimeout?: number;
  readonly attempts?: number;
  /** Before the second attempt, in ms; doubled for each further one. */
  readonly backoff?: number;
  readonly onProgress?: (received: number, total: number | undefined) => void;
}

/**
 * Downloads to a temporary name, verifies, renames. `sha256` undefined takes what comes.
 * Broken transfers and wrong checksums are tried again; returns the file's sha256 as hex.
 * Throws E-DOWNLOAD (not to be had: another source may do) or E-CHECKSUM (had, but not the file that it should be).
 */
export async function downloadFile(
  url: string,
  target: string,
  sha256: string | undefined,
  settings: DownloadSettings,
): Promise<string> {
  const attempts = settings.attempts ?? 3;
  const part = `${target}.${process.pid}.part`;
  mkdirSync(dirname(target), { recursive: true });
  let last: unknown;
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    if (attempt > 1)
      await delay((settings.backoff ?? 1000) * 2 ** (attempt - 2), undefined, { signal: settings.signal });
    try {
      const seen = await transfer(url, part, settings);
      if (sha256 !== undefined && seen !== sha256) throw checksumError(url, sha256, seen);
      renameSync(part, target);
      return seen;
    } catch (error) {
      rmSync(part, { force: true });
      settings.signal.throwIfAborted();
      last = error;
      if (error instanceof Refused) break;
    }
  }
  if (last instanceof OlympusError) throw last;
  throw new OlympusError(`download failed: ${messageOf(last)}`, { code: "E-DOWNLOAD", where: url, cause: last });
}

/** The server said no: trying again does not help. */
class Refused extends Error {}

async function transfer(url: string, part: string, settings: DownloadSettings): Promise<string> {
  const quiet = new AbortController();
  const limit = (milliseconds: number, what: string): NodeJS.Timeout =>
    setTimeout(() => quiet.abort(new Error(`${what} within ${milliseconds} ms`)), milliseconds);
  let timer = limit(settings.connectTimeout ?? 5000, "no answer");
  const file = await open(part, "w");
  try {
    const response = await fetch(url, {
      // As it lies there: of what a server packs for the way, the length says nothing.
      headers: { "accept-encoding": "identity" },
      signal: AbortSignal.any([settings.signal, quiet.signal]),
    });
    if (!response.ok || response.body === null) {
      const message = `HTTP ${response.status}`;
      throw response.status >= 400 && response.status < 500 && response.status !== 429
        ? new Refused(message)
        : new Error(message);
    }
    const length = response.headers.has("content-encoding") ? null : response.headers.get("content-length");
    const total = length === null ? undefined : Number(length);
    const hash = createHash("sha256");
    let received = 0;
    for await (const chunk of response.body) {
      clearTimeout(timer);
      timer = limit(settings.stallTimeout ?? 30_000, "nothing more");
      hash.update(chunk);
      received += chunk.byteLength;
      // All of it: a single write on a disk that fills up writes a part, and says no more than how much.
      await file.writeFile(chunk);
      settings.onProgress?.(received, total);
    }
    if (total !== undefined && received !== total) throw new Error(`${received} of ${total} bytes came`);
    return hash.digest("hex");
  } finally {
    clearTimeout(timer);
    await file.close();
  }
}

/** E-CHECKSUM for a file that is not the one that the lock file or its publisher names. */
export function checksumError(url: string, wanted: string, seen: string): OlympusError {
  return new OlympusError(`the downloaded file is not the one that was locked: sha256 ${seen}, expected ${wanted}`, {
    code: "E-CHECKSUM",
    where: url,
    hint: "Nothing was installed. If its publisher really replaced the file, change the sha256 in src/toolchain/toolchain.lock.json; or build it: npx olympus toolchain --source build",
  });
}
