import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import type { AddressImage } from "../../vm-templates/images.ts";
import { OlympusError } from "../base/errors.ts";
import type { Step } from "../base/report.ts";
import { pinDownload, readDownloadLock } from "./download-lock.ts";

export interface DownloadOptions {
  readonly source: AddressImage;
  readonly target: string;
  readonly step: Step;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Downloads an image and refuses it unless its checksum is the pinned one. Without a pin the publisher's own checksum
 * file decides, and the sha256 of what was taken is pinned. Throws E-IMAGE-DOWNLOAD, E-IMAGE-CHECKSUM.
 */
export async function download({ source, target, step, signal }: DownloadOptions): Promise<string> {
  const response = await get(source.url, signal);
  const total = Number(response.headers.get("content-length") ?? 0);
  const sha256 = createHash("sha256");
  const sha512 = createHash("sha512");
  let seen = 0;
  await pipeline(
    Readable.fromWeb(response.body as ReadableStream<Uint8Array>),
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        sha256.update(chunk);
        sha512.update(chunk);
        seen += chunk.length;
        step.update(`${megabytes(seen)} of ${total === 0 ? "?" : megabytes(total)} MB`);
        yield chunk;
      }
    },
    createWriteStream(target),
    ...(signal === undefined ? [] : [{ signal }]),
  );
  const got = { sha256: sha256.digest("hex"), sha512: sha512.digest("hex") };
  const pinned = source.sha256 ?? readDownloadLock()[source.url]?.sha256;
  if (pinned !== undefined) {
    if (pinned !== got.sha256) throw mismatch(source.url, pinned, got.sha256);
  } else {
    await checkAgainstPublisher(source, got, signal);
    const first = await pinDownload(source.url, got.sha256);
    if (first !== got.sha256) throw mismatch(source.url, first, got.sha256);
  }
  return `${megabytes(seen)} MB downloaded`;
}

/** A publisher's list has one `checksum  name` a line, sha256 or sha512. */
async function checkAgainstPublisher(
  source: AddressImage,
  got: { sha256: string; sha512: string },
  signal: AbortSignal | undefined,
): Promise<void> {
  if (source.checksums === undefined) throw mismatch(source.url, "no checksum at all", got.sha256);
  const list = await (await get(source.checksums, signal)).text();
  const name = source.url.slice(source.url.lastIndexOf("/") + 1);
  const published = list
    .split("\n")
    .map((line) => line.trim().split(/\s+\*?/))
    .find(([, file]) => file === name)?.[0];
  if (published !== got.sha256 && published !== got.sha512) {
    throw mismatch(
      source.url,
      published ?? "nothing for this name",
      published?.length === 128 ? got.sha512 : got.sha256,
    );
  }
}

async function get(url: string, signal: AbortSignal | undefined): Promise<Response> {
  try {
    const response = await fetch(url, signal === undefined ? {} : { signal });
    if (response.ok) return response;
    throw new Error(`the server answered ${response.status}`);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new OlympusError(`${url} cannot be downloaded: ${error instanceof Error ? error.message : String(error)}`, {
      code: "E-IMAGE-DOWNLOAD",
      hint: "The image debian-12 is built from packages instead.",
      cause: error,
    });
  }
}

function mismatch(url: string, expected: string, got: string): OlympusError {
  return new OlympusError(`${url} is not what it should be: expected ${expected}, got ${got}`, {
    code: "E-IMAGE-CHECKSUM",
    hint: "Nothing was kept. If the publisher replaced the image on purpose, change vm-templates/images.lock.json.",
  });
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
