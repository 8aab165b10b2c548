import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { folderIn, lookAt, placeIn } from "./upper.ts";

let top: string;
let upper: string;
/** Stands for what is this computer's own. */
let outside: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), "olympus-upper-"));
  [upper, outside] = [join(top, "upper"), join(top, "outside")];
  mkdirSync(join(upper, "etc"), { recursive: true });
  mkdirSync(outside);
  writeFileSync(join(outside, "resolv.conf"), "ours");
});
afterEach(() => rmSync(top, { recursive: true }));

it("a link that a machine put in a file's place gives way, and what it led to stays", async () => {
  symlinkSync(join(outside, "resolv.conf"), join(upper, "etc/resolv.conf"));
  symlinkSync(join(outside, "new"), join(upper, "etc/hosts"));
  for (const path of ["etc/resolv.conf", "etc/hosts"]) {
    writeFileSync(await placeIn(upper, path), "theirs", { flag: "wx" });
    expect(lstatSync(join(upper, path)).isFile()).toBe(true);
  }
  expect(readdirSync(outside)).toEqual(["resolv.conf"]);
  expect(lstatSync(join(outside, "resolv.conf")).size).toBe("ours".length);
});

it("a link in the place of a folder gives way too, at any depth", async () => {
  symlinkSync(outside, join(upper, "home"));
  expect(await folderIn(upper, "home/operator/.ssh")).toBe(join(upper, "home/operator/.ssh"));
  mkdirSync(join(upper, "root"));
  symlinkSync("../../outside", join(upper, "root/.ssh"));
  writeFileSync(await placeIn(upper, "root/.ssh/authorized_keys"), "key");
  expect(readdirSync(outside)).toEqual(["resolv.conf"]);
});

it("folders that are there keep what they hold", async () => {
  writeFileSync(join(upper, "etc/own"), "kept");
  await placeIn(upper, "etc/hostname");
  expect(existsSync(join(upper, "etc/own"))).toBe(true);
  expect((await lookAt(join(upper, "etc/own")))?.isFile()).toBe(true);
  expect(await lookAt(join(upper, "etc/own/below"))).toBeUndefined();
});
