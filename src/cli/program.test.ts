import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, expect, test } from "vitest";
import { projectRoot } from "../base/paths.ts";

const folder = mkdtempSync(join(tmpdir(), "olympus-program-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a command that waits for what never comes is no success", async () => {
  const team = join(folder, "team.yaml");
  copyFileSync(join(projectRoot, "examples/lab/team.yaml"), team);
  // A role of the team's own that never gets loaded.
  mkdirSync(join(folder, "roles/stuck"), { recursive: true });
  writeFileSync(join(folder, "roles/stuck/role.ts"), "await new Promise(() => {});\nexport const role = {};\n");
  const words = ["src/cli/main.ts", "role", "list", "--team", team];
  const { exitCode, stderr } = await execa(process.execPath, words, { cwd: projectRoot, reject: false });
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining("E-BUG")]);
});
