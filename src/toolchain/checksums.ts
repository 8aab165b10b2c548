import { messageOf, OlympusError } from "../base/errors.ts";
import type { PinnedDownload } from "./pinned-download.ts";

/**
 * The sha256 of `file` in what a publisher writes beside it: lines of `<hex>  <name>` or `<hex> *<name>`; the hex alone; or
 * a list of releases in JSON (`"archive": "…/<name>", "sha256": "<hex>"`).
 */
export function findChecksum(list: string, file: string): string | undefined {
  for (const line of list.split("\n")) {
    const match = /^([0-9a-f]{64})\s+\*?(?:\.\/)?(\S+)\s*$/i.exec(line);
    if (match?.[2] === file) return match[1]?.toLowerCase();
  }
  const alone = /^\s*([0-9a-f]{64})\s*$/i.exec(list)?.[1];
  if (alone !== undefined) return alone.toLowerCase();
  const releases = list.matchAll(/"archive":\s*"([^"]+)",\s*"sha256":\s*"([0-9a-f]{64})"/g);
  return [...releases].find(([, archive]) => archive?.split("/").at(-1) === file)?.[2];
}

/**
 * What a download must hash to: the lock's own checksum, else what its publisher's list says, else undefined (the publisher has no list).
 * Throws E-DOWNLOAD when there is a list but it cannot be read or does not name the file.
 */
export async function expectedChecksum(download: PinnedDownload, signal: AbortSignal): Promise<string | undefined> {
  if (download.sha256 !== undefined) return download.sha256;
  if (download.checksums === undefined) return undefined;
  const name = new URL(download.url).pathname.split("/").at(-1) ?? "";
  let found: string | undefined;
  try {
    const response = await fetch(download.checksums, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(15_000)]),
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    found = findChecksum(await response.text(), name);
  } catch (error) {
    signal.throwIfAborted();
    throw unreadable(messageOf(error), download.checksums);
  }
  if (found === undefined) throw unreadable(`it does not name ${name}`, download.checksums);
  return found;
}

function unreadable(why: string, where: string): OlympusError {
  return new OlympusError(`the publisher's list of checksums is of no use: ${why}`, { code: "E-DOWNLOAD", where });
}
