/** Tests that are killed leave their labs: the next one that makes a lab ends them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { identify } from "../../src/base/process.ts";
import { labFolder } from "../support/lab-folder.ts";

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "olympus-lab-folder-"));
});
afterEach(() => rmSync(parent, { recursive: true }));

test("the lab of a test that is gone is removed, the lab of one that runs and a stranger's folder stay", async () => {
  const child = spawn("sleep", ["600"]);
  await once(child, "spawn");
  const gone = join(parent, "olympus-machines-test-gone");
  mkdirSync(join(gone, "state/lab"), { recursive: true });
  writeFileSync(join(gone, "owner.json"), JSON.stringify(identify(child.pid!)));
  const strange = join(parent, "olympus-machines-test-strange");
  mkdirSync(strange);
  const first = await labFolder("machines", parent);
  expect(existsSync(gone)).toBe(true);
  child.kill("SIGKILL");
  await once(child, "exit");
  const second = await labFolder("lab", parent);
  expect([gone, first, second, strange].map((folder) => existsSync(folder))).toEqual([false, true, true, true]);
});
