import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { AddressImage } from "../../vm-templates/images.ts";
import { OlympusError } from "../base/errors.ts";
import type { Step } from "../base/report.ts";
import { type DownloadSettings, downloadFile } from "../toolchain/download.ts";
import { pinDownload, readDownloadLock } from "./download-lock.ts";

export interface DownloadOptions {
  readonly source: AddressImage;
  readonly target: string;
  readonly step: Step;
  readonly signal?: AbortSignal | undefined;
  /** The file of pins; the project's own unless given. */
  readonly lock?: string;
  /** Other bounds than a download's usual ones. */
  readonly patience?: Omit<DownloadSettings, "signal" | "onProgress">;
}

type Transfer = Omit<DownloadSettings, "onProgress">;

/**
 * Downloads an image and refuses it unless its checksum is the pinned one. Without a pin the publisher's own checksum
 * file decides, and the sha256 of what was taken is pinned. Throws E-IMAGE-DOWNLOAD, E-IMAGE-CHECKSUM.
 */
export async function download({ source, target, step, signal, lock, patience }: DownloadOptions): Promise<string> {
  const transfer: Transfer = { ...patience, signal: signal ?? new AbortController().signal };
  let seen = 0;
  const onProgress = (received: number, total: number | undefined): void => {
    seen = received;
    step.update(`${megabytes(received)} of ${total === undefined ? "?" : megabytes(total)} MB`);
  };
  // Checked below, not there: another build at the address stays another one, and is hundreds of megabytes each time.
  const got = await get(source.url, target, { ...transfer, onProgress });
  const pinned = source.sha256 ?? readDownloadLock(lock)[source.url]?.sha256;
  if (pinned !== undefined) {
    if (pinned !== got) throw await replaced(source, target, pinned, got, transfer);
  } else {
    const published = await publishedChecksum(source, target, transfer);
    const same = published?.length === 128 ? await hashOf("sha512", target) : got;
    if (published !== same) throw mismatch(source.url, published ?? "nothing for this name", same, tryAgain);
    const first = await pinDownload(source.url, got, lock);
    if (first !== got) throw await replaced(source, target, first, got, transfer);
  }
  return `${megabytes(seen)} MB downloaded`;
}

/** What the publisher's list (`checksum  name` a line, sha256 or sha512) says of the image. */
async function publishedChecksum(
  source: AddressImage,
  target: string,
  transfer: Transfer,
): Promise<string | undefined> {
  if (source.checksums === undefined) return undefined;
  const file = `${target}.sums`;
  try {
    await get(source.checksums, file, transfer);
    const name = source.url.slice(source.url.lastIndexOf("/") + 1);
    return (await readFile(file, "utf8"))
      .split("\n")
      .map((line) => line.trim().split(/\s+\*?/))
      .find(([, listed]) => listed === name)?.[0];
  } finally {
    await rm(file, { force: true });
  }
}

/** `downloadFile`, whose patience with broken transfers is what this one wants too, in the words of images. */
async function get(url: string, target: string, settings: DownloadSettings): Promise<string> {
  try {
    return await downloadFile(url, target, undefined, settings);
  } catch (error) {
    if (!(error instanceof OlympusError)) throw error;
    throw new OlympusError(`${url} cannot be downloaded: ${error.message.replace(/^download failed: /, "")}`, {
      code: "E-IMAGE-DOWNLOAD",
      hint: "Run the same again. Where the address cannot be reached at all, image: debian-12 is built from packages instead.",
      cause: error,
    });
  }
}

/** Another file than the pinned one: the publisher's next build, where its list says so, which only a person takes. */
async function replaced(
  source: AddressImage,
  target: string,
  pinned: string,
  got: string,
  transfer: Transfer,
): Promise<OlympusError> {
  const place = source.sha256 === undefined ? "vm-templates/images.lock.json" : "vm-templates/images.ts";
  const published = await publishedChecksum(source, target, transfer).catch((error: unknown) => {
    transfer.signal.throwIfAborted();
    if (error instanceof OlympusError) return undefined;
    throw error;
  });
  const theirs = published?.length === 128 ? await hashOf("sha512", target) : got;
  const change = source.sha256 === undefined ? `remove the address from ${place}` : `change the sha256 in ${place}`;
  const hint =
    published === theirs
      ? `Nothing was kept. The publisher's list names this file: it is a newer build. To take it, ${change}; npx olympus preview then makes it and shows which machines would be built anew.`
      : `Nothing was kept, and the publisher's list does not name this file either: find out why before you change ${place}.`;
  return mismatch(source.url, pinned, got, hint);
}

const tryAgain =
  "Nothing was kept. A publisher that is replacing its files has both right in a few minutes: run the same again.";

async function hashOf(algorithm: string, file: string): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

function mismatch(url: string, expected: string, got: string, hint: string): OlympusError {
  return new OlympusError(`${url} is not what it should be: expected ${expected}, got ${got}`, {
    code: "E-IMAGE-CHECKSUM",
    hint,
  });
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
