import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, it } from "vitest";
import { projectRoot } from "../base/paths.ts";

/** A project with our script, and an npm that tells how it was called and installs as npm does: `ci` from nothing. */
let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "olympus-install-"));
  for (const folder of ["scripts", "bin"]) mkdirSync(join(project, folder));
  copyFileSync(join(projectRoot, "scripts/packages"), join(project, "scripts/packages"));
  writeFileSync(join(project, "package-lock.json"), "one");
  const npm = '#!/bin/sh\necho "$1 $2" >> calls\n[ "$1" != ci ] || rm -rf node_modules\nmkdir -p node_modules/.bin\n';
  writeFileSync(join(project, "bin/npm"), npm);
  chmodSync(join(project, "bin/npm"), 0o755);
});
afterEach(() => rmSync(project, { recursive: true }));

/** What npm was called with by `scripts/packages`. */
async function packages(...words: string[]): Promise<string[]> {
  const calls = join(project, "calls");
  rmSync(calls, { force: true });
  await execa(join(project, "scripts/packages"), words, { env: { PATH: `${project}/bin:${process.env.PATH}` } });
  return existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n") : [];
}

it("quickstart installs without what only tests need; tests add it and nothing is installed twice", async () => {
  expect(await packages()).toEqual(["ci --omit=dev"]);
  expect(await packages()).toEqual([]);
  expect(await packages("--dev")).toEqual(["install --include=dev"]);
  expect(await packages("--dev")).toEqual([]);
  expect(await packages()).toEqual([]);
});

it("who has the tests' packages keeps them when the lock file changes", async () => {
  expect(await packages("--dev")).toEqual(["ci --include=dev"]);
  expect(await packages()).toEqual([]);
  writeFileSync(join(project, "package-lock.json"), "two");
  expect(await packages()).toEqual(["ci --include=dev"]);
  expect(await packages("--dev")).toEqual([]);
});
