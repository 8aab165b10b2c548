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
  const npm =
    '#!/bin/sh\necho "$1 $2" >> calls\n[ "$1" != ci ] || rm -rf node_modules\nmkdir -p node_modules/.bin\n' +
    "echo npm is at it >&2; while [ -e hold ]; do sleep 0.05; done\n";
  writeFileSync(join(project, "bin/npm"), npm);
  chmodSync(join(project, "bin/npm"), 0o755);
});
afterEach(() => rmSync(project, { recursive: true }));

const start = (...words: string[]) =>
  execa(join(project, "scripts/packages"), words, { env: { PATH: `${project}/bin:${process.env.PATH}` } });
function calls(): string[] {
  const file = join(project, "calls");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}

/** What npm was called with by `scripts/packages`. */
async function packages(...words: string[]): Promise<string[]> {
  rmSync(join(project, "calls"), { force: true });
  await start(...words);
  return calls();
}

it("quickstart installs without what only tests need; tests add it and nothing is installed twice", async () => {
  expect(await packages()).toEqual(["ci --omit=dev"]);
  expect(await packages()).toEqual([]);
  expect(await packages("--dev")).toEqual(["install --include=dev"]);
  expect(await packages("--dev")).toEqual([]);
  expect(await packages()).toEqual([]);
});

it("two at the same time install once, and the second says whom it waits for", async () => {
  writeFileSync(join(project, "hold"), "");
  const said = async (run: ReturnType<typeof start>, words: string): Promise<void> => {
    await new Promise<void>((resolve) => run.stderr.on("data", (text) => String(text).includes(words) && resolve()));
  };
  const first = start();
  await said(first, "npm is at it");
  const second = start();
  await said(second, "another command installs them; waiting for its end");
  rmSync(join(project, "hold"));
  await Promise.all([first, second]);
  expect(calls()).toEqual(["ci --omit=dev"]);
});

it("who has the tests' packages keeps them when the lock file changes", async () => {
  expect(await packages("--dev")).toEqual(["ci --include=dev"]);
  expect(await packages()).toEqual([]);
  writeFileSync(join(project, "package-lock.json"), "two");
  expect(await packages()).toEqual(["ci --include=dev"]);
  expect(await packages("--dev")).toEqual([]);
});

it("who brought the tests' packages by npm alone keeps them too", async () => {
  mkdirSync(join(project, "node_modules/vitest"), { recursive: true });
  expect(await packages()).toEqual(["ci --include=dev"]);
});
