import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { initSecrets } from "../../secrets/store.ts";
import { withFileLock } from "../base/lock.ts";
import { projectRoot } from "../base/paths.ts";
import { layout } from "../lab/layout.ts";
import { loadTeam } from "../team/load.ts";

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), "olympus-status-"));
  vi.stubEnv("OLYMPUS_STATE", join(top, "state"));
  vi.stubEnv("XDG_RUNTIME_DIR", join(top, "run"));
  vi.stubEnv("SOPS_AGE_KEY_FILE", join(top, "age.txt"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(top, { recursive: true });
});

function status(): Promise<string> {
  const args = ["src/cli/main.ts", "status", "--team", layout.team];
  return new Promise((done) => {
    execFile(join(projectRoot, "node_modules/.bin/node"), args, { cwd: projectRoot }, (_error, stdout) => done(stdout));
  });
}

test("beside a quickstart that is still making the lab, status says so instead of what to do about it", async () => {
  mkdirSync(join(top, "state/lab"), { recursive: true });
  const example = readFileSync(join(projectRoot, "examples/lab/team.yaml"), "utf8");
  // Addresses at which nobody answers, and says so at once.
  writeFileSync(layout.team, example.replaceAll("10.220.1.", "127.77.23."));
  await initSecrets(await loadTeam(layout.team));
  expect(await status()).toContain("npx olympus lab up");
  const beside = await withFileLock(layout.quickstart, { waitMs: 0 }, status);
  expect(beside).toContain("At work here: ");
  expect(beside).not.toContain("npx olympus lab up");
}, 120_000);
