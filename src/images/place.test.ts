import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { placeImage } from "./place.ts";

let folder: string;
let staging: string;
let target: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "images-"));
  staging = join(folder, "debian.1.part");
  target = join(folder, "0123456789ab");
  mkdirSync(staging);
});
afterEach(() => rmSync(folder, { recursive: true }));

test("an image takes the place of one of which only the image file was deleted", async () => {
  mkdirSync(target);
  writeFileSync(join(target, "packages.lock"), "old");
  writeFileSync(join(staging, "packages.lock"), "new");
  writeFileSync(join(staging, "image.qcow2"), "QFI");
  await placeImage(staging, target);
  expect(readdirSync(folder)).toEqual(["0123456789ab"]);
  expect(readFileSync(join(target, "packages.lock"), "utf8")).toBe("new");
  expect(readFileSync(join(target, "image.qcow2"), "utf8")).toBe("QFI");
});

test("a folder without an image takes no place", async () => {
  mkdirSync(target);
  await expect(placeImage(staging, target)).rejects.toThrow("ENOENT");
  expect([existsSync(staging), existsSync(target)]).toEqual([true, true]);
});
