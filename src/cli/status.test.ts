import { execFile, spawn } from "node:child_process";
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

const node = join(projectRoot, "node_modules/.bin/node");

/** A team at whose addresses nobody answers, and says so at once. */
async function deadTeam(): Promise<void> {
  mkdirSync(join(top, "state/lab"), { recursive: true });
  const example = readFileSync(join(projectRoot, "examples/lab/team.yaml"), "utf8");
  writeFileSync(layout.team, example.replaceAll("10.220.1.", "127.77.23."));
  await initSecrets(await loadTeam(layout.team));
}

function status(): Promise<string> {
  const args = ["src/cli/main.ts", "status", "--team", layout.team];
  return new Promise((done) => {
    execFile(node, args, { cwd: projectRoot }, (_error, stdout) => done(stdout));
  });
}

test("beside a quickstart that is still making the lab, status says so instead of what to do about it", async () => {
  await deadTeam();
  expect(await status()).toContain("npx olympus lab up");
  const beside = await withFileLock(layout.quickstart, { waitMs: 0 }, status);
  expect(beside).toContain("At work here: ");
  expect(beside).not.toContain("npx olympus lab up");
}, 120_000);

test("with --watch a terminal is cleared before each round", async () => {
  await deadTeam();
  const command = `exec ${node} src/cli/main.ts status --watch --team ${layout.team}`;
  // A terminal of its own.
  const env = { ...process.env, TERM: "xterm" };
  const shown = spawn("script", ["-qec", command, "/dev/null"], { cwd: projectRoot, env });
  let text = "";
  try {
    shown.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    await expect.poll(() => text, { timeout: 100_000 }).toContain("hosts are fine");
    expect(text.split("\u001b[H\u001b[2J")[1]).toMatch(/^[\d:]+ UTC, every 5 s/);
  } finally {
    shown.kill();
    await new Promise((ended) => shown.once("close", ended));
  }
}, 120_000);
