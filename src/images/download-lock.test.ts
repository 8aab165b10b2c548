import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pinDownload, readDownloadLock } from "./download-lock.ts";

test("pins that are written at once are all there, and the first one of an address counts", async () => {
  const folder = mkdtempSync(join(tmpdir(), "olympus-pins-"));
  const file = join(folder, "images.lock.json");
  const addresses = Array.from({ length: 8 }, (_, at) => `https://images.example/${at}.qcow2`);
  try {
    await Promise.all(addresses.map((url, at) => pinDownload(url, String(at).repeat(64), file)));
    expect(Object.keys(readDownloadLock(file)).sort()).toEqual(addresses);
    expect(await pinDownload(addresses[1]!, "f".repeat(64), file)).toBe("1".repeat(64));
    expect(readdirSync(folder)).toEqual(["images.lock.json"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
