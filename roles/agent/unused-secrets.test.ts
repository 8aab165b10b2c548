import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { unusedSecrets } from "./unused-secrets.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "olympus secrets-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const checked = (used: readonly string[]): boolean =>
  spawnSync("sh", ["-euc", unusedSecrets(used, folder).check]).status === 0;

test("keys that the configuration no longer has are seen and removed; everything else stays", () => {
  const used = ["dashboard-token", "mattermost-token", "model-anthropic"];
  expect(checked(used)).toBe(true);
  for (const name of [...used, "mattermost.env"]) writeFileSync(join(folder, name), "x");
  expect(checked(used)).toBe(true);
  // Not only where the last one is unused.
  for (const name of ["model-a", "model-openai", "model-anthropic-old"]) writeFileSync(join(folder, name), "x");
  expect(checked(used)).toBe(false);
  execFileSync("sh", ["-euc", unusedSecrets(used, folder).apply]);
  expect(readdirSync(folder).sort()).toEqual([...used, "mattermost.env"].sort());
  expect(checked(used)).toBe(true);
});

test("an agent without keys keeps none", () => {
  writeFileSync(join(folder, "model-anthropic"), "x");
  expect(checked([])).toBe(false);
  execFileSync("sh", ["-euc", unusedSecrets([], folder).apply]);
  expect(readdirSync(folder)).toEqual([]);
});
