import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "programs-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** An installed package, and install scripts of two by an npm that writes down what it is asked and then ends so. */
function runScripts(exit: number): { status: number | null; asked: string; there: boolean } {
  const installed = join(folder, "lib/node_modules/@x/tool");
  for (const path of [installed, join(folder, "bin")]) mkdirSync(path, { recursive: true });
  const npm = join(folder, "npm");
  writeFileSync(npm, `#!/bin/sh\necho "$@" >'${folder}/asked'\nexit ${exit}\n`, { mode: 0o755 });
  const script = `. '${join(import.meta.dirname, "programs.sh")}'\nnpm_scripts '${npm}' '${folder}' @x/tool @x/tool native\necho went on`;
  const { status } = spawnSync("/bin/sh", ["-euc", script]);
  return { status, asked: readFileSync(join(folder, "asked"), "utf8"), there: existsSync(installed) };
}

test("install scripts run of the packages that are named", () => {
  const { status, asked, there } = runScripts(0);
  expect([status, there]).toEqual([0, true]);
  expect(asked).toMatch(/^rebuild --global .*--ignore-scripts=false .*@x\/tool native\n$/);
});

test("a package whose install script fails is not taken for installed", () => {
  const { status, there } = runScripts(1);
  expect([status, there]).toEqual([1, false]);
});
