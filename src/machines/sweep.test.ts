import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { runtimeDir } from "../base/paths.ts";
import { Secret } from "../base/secret.ts";
import { writePrivateFiles } from "./private-files.ts";
import { sweepPrivateFiles } from "./sweep.ts";

const target = {
  name: "r420",
  address: "10.220.1.7",
  port: 22,
  user: "operator",
  privateKey: new Secret("deploy key", "key"),
  hostKey: "ssh-ed25519 AAAA",
  pinnedIn: "team.yaml",
};
/** Beyond every process number. */
const dead = 2 ** 31 - 1;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "olympus-sweep-"));
  vi.stubEnv("XDG_RUNTIME_DIR", folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

test("keys of stacks whose users were all killed are taken away; those in use or being made stay", () => {
  expect(() => sweepPrivateFiles()).not.toThrow();
  const stack = (name: string): string => runtimeDir("stacks", "lab-1", name);
  writePrivateFiles(stack("killed"), target, [], dead);
  writePrivateFiles(stack("used"), target, [], dead);
  writePrivateFiles(stack("used"), target, [], process.ppid);
  mkdirSync(join(stack("begun"), "users"), { recursive: true });
  sweepPrivateFiles();
  expect(readdirSync(runtimeDir("stacks", "lab-1")).sort()).toEqual(["begun", "used"]);
  expect(existsSync(join(stack("used"), "id"))).toBe(true);
});
