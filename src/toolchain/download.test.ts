import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cutOff, type Publisher, stalled, startPublisher, status, whole } from "../../test/support/publisher.ts";
import { downloadFile } from "./download.ts";

const body = randomBytes(300_000);
const sha256 = createHash("sha256").update(body).digest("hex");
const other = randomBytes(1000);
let publisher: Publisher;
let folder: string;
let target: string;
const settings = { signal: new AbortController().signal, backoff: 1, stallTimeout: 60_000, connectTimeout: 60_000 };

beforeEach(async () => {
  publisher = await startPublisher();
  folder = mkdtempSync(join(tmpdir(), "olympus-download-"));
  target = join(folder, "file.tar.gz");
});
afterEach(async () => {
  await publisher[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const get = (stallTimeout = settings.stallTimeout) =>
  downloadFile(`${publisher.url}/file`, target, sha256, { ...settings, stallTimeout });

describe("a download", () => {
  test("arrives verified, and leaves no temporary file", async () => {
    publisher.routes.set("/file", [whole(body)]);
    expect(await get()).toBe(sha256);
    expect(readFileSync(target).equals(body)).toBe(true);
    expect(readdirSync(folder)).toEqual(["file.tar.gz"]);
  });

  test.each([
    ["was cut off", cutOff(body)],
    ["was answered by a passing error", status(503)],
    ["was another file", whole(other)],
  ])("that %s is tried again", async (_what, first) => {
    publisher.routes.set("/file", [first, whole(body)]);
    expect(await get()).toBe(sha256);
    expect(publisher.requests).toHaveLength(2);
  });

  test("that stalled is tried again", async () => {
    publisher.routes.set("/file", [stalled(body), whole(body)]);
    expect(await get(1500)).toBe(sha256);
    expect(publisher.requests.length).toBeGreaterThan(1);
  });

  test("that stays another file is refused, with nothing left", async () => {
    publisher.routes.set("/file", [whole(other)]);
    await expect(get()).rejects.toMatchObject({ code: "E-CHECKSUM", message: expect.stringContaining(sha256) });
    expect(publisher.requests).toHaveLength(3);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("that stays cut off is refused, also without a known checksum", async () => {
    publisher.routes.set("/file", [cutOff(body)]);
    await expect(downloadFile(`${publisher.url}/file`, target, undefined, settings)).rejects.toMatchObject({
      code: "E-DOWNLOAD",
    });
    expect(existsSync(target)).toBe(false);
  });

  test("whose last piece finds no room any more is refused, also without a known checksum", async () => {
    const most = 66;
    publisher.routes.set("/file", [whole(randomBytes(most * 1024 + 2416))]);
    const program = `const { downloadFile } = await import(${JSON.stringify(join(import.meta.dirname, "download.ts"))});
const settings = { signal: new AbortController().signal, attempts: 1, connectTimeout: 60_000, stallTimeout: 60_000 };
await downloadFile("${publisher.url}/file", ${JSON.stringify(target)}, undefined, settings).catch(({ code }) => console.log(code));`;
    const { stdout } = await execa("bash", [
      "-c",
      `ulimit -f ${most}; exec "$0" --input-type=module -e "$1"`,
      process.execPath,
      program,
    ]);
    expect(stdout).toBe("E-DOWNLOAD");
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each(["asked for", "whatever is asked for"])(
    "that is packed for its way, %s, is what was packed",
    async (when) => {
      const packed = gzipSync(body);
      publisher.routes.set("/file", [
        (request, response) => {
          const plain = when === "asked for" && !/gzip/.test(String(request.headers["accept-encoding"]));
          if (plain) return whole(body)(request, response);
          response.writeHead(200, { "content-encoding": "gzip", "content-length": packed.length }).end(packed);
        },
      ]);
      expect(await get()).toBe(sha256);
    },
  );

  test("that does not exist is not asked for again", async () => {
    await expect(get()).rejects.toMatchObject({ code: "E-DOWNLOAD", message: expect.stringContaining("404") });
    expect(publisher.requests).toHaveLength(1);
  });

  test("stops when it is interrupted", async () => {
    const interruption = new AbortController();
    publisher.routes.set("/file", [stalled(body)]);
    const signal = interruption.signal;
    const going = downloadFile(`${publisher.url}/file`, target, sha256, { ...settings, signal });
    setTimeout(() => interruption.abort(), 50);
    await expect(going).rejects.toThrow();
    expect(readdirSync(folder)).toEqual([]);
  });
});
