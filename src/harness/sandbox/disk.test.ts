import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freeSpace, removeTree, usage } from "./disk.ts";
import { openWorkspace, sweepWorkspaces } from "./workspace.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "olympus-disk-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const most = { bytes: 1e9, files: 1e6 };

test("G2 blocks count, not lengths; links do not lead out; counting stops at the bound", async () => {
  mkdirSync(join(dir, "a/b"), { recursive: true });
  writeFileSync(join(dir, "a/b/full"), "x".repeat(100_000));
  writeFileSync(join(dir, "a/holes"), "");
  truncateSync(join(dir, "a/holes"), 1e12);
  execFileSync("ln", ["-s", "/", join(dir, "a/root")]);
  const { bytes, files } = await usage(dir, most);
  expect(bytes).toBeGreaterThan(90_000);
  expect(bytes).toBeLessThan(300_000);
  expect(files).toBe(5);
  for (let n = 0; n < 50; n++) writeFileSync(join(dir, `f${n}`), "");
  expect((await usage(dir, { bytes: 1e9, files: 10 })).files).toBe(11);
  expect((await freeSpace(dir)).bytes).toBeGreaterThan(0);
});

test("folders deeper than any path, and without rights, are removed", async () => {
  const script = "import os\nfor i in range(300): os.mkdir('a' * 20); os.chdir('a' * 20)";
  mkdirSync(join(dir, "deep"));
  execFileSync("python3", ["-c", script], { cwd: join(dir, "deep") });
  mkdirSync(join(dir, "deep/closed/inner"), { recursive: true });
  execFileSync("chmod", ["000", join(dir, "deep/closed")]);
  await usage(join(dir, "deep"), most);
  await removeTree(join(dir, "deep"));
  expect(existsSync(join(dir, "deep"))).toBe(false);
});

test("the ten newest workspaces stay, those in use always, and names of runs are no paths", async () => {
  for (let n = 0; n < 14; n++) {
    const { folder } = await openWorkspace(dir, `run-${n}`);
    utimesSync(folder, n, n);
  }
  await sweepWorkspaces(dir, new Set(["run-0"]), 1);
  const left = [...Array(14).keys()].filter((n) => existsSync(join(dir, `run-${n}`)));
  expect(left).toEqual([0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  expect((await openWorkspace(dir, "../../etc")).folder).toBe(join(dir, "______etc"));
});
