import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Secret } from "../base/secret.ts";
import { releasePrivateFiles, writePrivateFiles } from "./private-files.ts";

const target = {
  name: "r420",
  address: "10.220.1.7",
  port: 22,
  user: "operator",
  privateKey: new Secret("deploy key", "key"),
  hostKey: "ssh-ed25519 AAAA",
  pinnedIn: "team.yaml",
};

let parent = "";
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "olympus-private-"));
});
afterEach(() => rm(parent, { recursive: true, force: true }));

test("the last living process that uses a stack's private files takes them away", async () => {
  const folder = join(parent, "r420");
  const other = execa("tail", ["-f", "/dev/null"]);
  writePrivateFiles(folder, target, [], other.pid);
  const { key } = writePrivateFiles(folder, target, []);

  releasePrivateFiles(folder);
  expect(existsSync(key)).toBe(true);

  other.kill("SIGKILL");
  await other.catch(() => undefined);
  // Whoever comes next finds that the other was killed.
  writePrivateFiles(folder, target, []);
  releasePrivateFiles(folder);
  expect(readdirSync(parent)).toEqual([]);
});
