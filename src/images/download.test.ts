import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Answer,
  cutOff,
  type Publisher,
  stalled,
  startPublisher,
  status,
  whole,
} from "../../test/support/publisher.ts";
import { silentReporter } from "../base/report.ts";
import { download } from "./download.ts";
import { readDownloadLock } from "./download-lock.ts";

const body = randomBytes(300_000);
const next = randomBytes(300_000);
const sum = (content: Buffer, algorithm = "sha256"): string => createHash(algorithm).update(content).digest("hex");
const list = (content: Buffer, algorithm?: string): Answer =>
  whole(`${sum(randomBytes(9), algorithm)}  other.qcow2\n${sum(content, algorithm)}  image.qcow2\n`);

let publisher: Publisher;
let folder: string;
let target: string;
let lock: string;

beforeEach(async () => {
  publisher = await startPublisher();
  folder = mkdtempSync(join(tmpdir(), "olympus-image-"));
  target = join(folder, "image.qcow2");
  lock = join(folder, "images.lock.json");
});
afterEach(async () => {
  await publisher[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const address = (): string => `${publisher.url}/latest/image.qcow2`;

/** Takes what the publisher answers for the image and for its list. */
function take(images: Answer[], lists: Answer[], { sha256, stall = 60_000 }: { sha256?: string; stall?: number } = {}) {
  publisher.routes.set("/latest/image.qcow2", images);
  publisher.routes.set("/latest/SUMS", lists);
  return download({
    source: {
      kind: "address",
      url: address(),
      checksums: `${publisher.url}/latest/SUMS`,
      ...(sha256 === undefined ? {} : { sha256 }),
    },
    target,
    lock,
    step: silentReporter().step("image"),
    patience: { backoff: 1, stallTimeout: stall, connectTimeout: 60_000 },
  });
}

const pin = (content: Buffer): void => writeFileSync(lock, JSON.stringify({ [address()]: { sha256: sum(content) } }));
const asked = (path: string): number => publisher.requests.filter((line) => line === `GET ${path}`).length;

describe("an image by address", () => {
  test.each(["sha256", "sha512"])("is taken by its publisher's list of %s, and pinned by its sha256", async (kind) => {
    await take([whole(body)], [list(body, kind)]);
    expect(readFileSync(target).equals(body)).toBe(true);
    expect(readDownloadLock(lock)).toEqual({ [address()]: { sha256: sum(body) } });
    expect(readdirSync(folder).sort()).toEqual(["image.qcow2", "images.lock.json"]);
  });

  test("is taken by its pin, without the list", async () => {
    pin(body);
    await take([whole(body)], []);
    expect(publisher.requests).toEqual(["GET /latest/image.qcow2"]);
  });

  test.each([
    ["names another checksum", list(next), sum(next)],
    ["does not name it", whole(`${sum(body)}  other.qcow2\n`), "nothing for this name"],
  ])("is refused and not pinned where the list %s", async (_what, answer, expected) => {
    const error = { code: "E-IMAGE-CHECKSUM", message: expect.stringContaining(`expected ${expected}`) };
    await expect(take([whole(body)], [answer])).rejects.toMatchObject(error);
    expect(existsSync(lock)).toBe(false);
  });

  test.each([
    ["the lock", undefined, "remove the address from vm-templates/images.lock.json"],
    ["the sources", sum(body), "change the sha256 in vm-templates/images.ts"],
  ])("that its publisher built anew is refused by the pin of %s, with the way to take it", async (_w, sha256, step) => {
    pin(body);
    await expect(take([whole(next)], [list(next)], sha256 === undefined ? {} : { sha256 })).rejects.toMatchObject({
      code: "E-IMAGE-CHECKSUM",
      hint: expect.stringContaining(`it is a newer build. To take it, ${step}`),
    });
    expect(asked("/latest/image.qcow2")).toBe(1);
    expect(readDownloadLock(lock)).toEqual({ [address()]: { sha256: sum(body) } });
  });

  test.each([
    ["still has the pinned one", list(body)],
    ["cannot be had", status(404)],
  ])("that changed although the list %s is refused as such", async (_what, answer) => {
    pin(body);
    await expect(take([whole(next)], [answer])).rejects.toMatchObject({
      code: "E-IMAGE-CHECKSUM",
      hint: expect.stringContaining("does not name this file either"),
    });
  });

  test("is taken again when the connection was cut, and when the list's was", async () => {
    await take([cutOff(body), whole(body)], [cutOff(Buffer.alloc(999)), list(body)]);
    expect(readFileSync(target).equals(body)).toBe(true);
    expect([asked("/latest/image.qcow2"), asked("/latest/SUMS")]).toEqual([2, 2]);
  });

  test.each([
    ["stays cut off", cutOff(body), 60_000],
    ["falls silent for good", stalled(body), 300],
    ["is not there", status(404), 60_000],
  ])("that %s is an error of its own, with nothing left", async (_what, answer, stall) => {
    await expect(take([answer], [list(body)], { stall })).rejects.toMatchObject({
      code: "E-IMAGE-DOWNLOAD",
      message: expect.stringContaining(`${address()} cannot be downloaded: `),
      hint: expect.stringContaining("image: debian-12"),
    });
    expect(readdirSync(folder)).toEqual([]);
  });
});
