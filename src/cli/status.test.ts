import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { initSecrets } from "../../secrets/store.ts";
import { withFileLock } from "../base/lock.ts";
import { projectRoot, stateDir } from "../base/paths.ts";
import { layout } from "../lab/layout.ts";
import type { HostStatus } from "../status/status.ts";
import { loadTeam } from "../team/load.ts";
import type { Machine } from "../team/model.ts";
import { statusTables } from "./status-tables.ts";
import { frame } from "./status-watch.ts";

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

test("with --watch a terminal shows who answered while another one is waited for, and is drawn over in its place", async () => {
  await deadTeam();
  // Takes connections, and says nothing.
  const mute = createServer(() => undefined);
  await new Promise<void>((resolve) => mute.listen(18789, "127.77.23.50", resolve));
  const command = `stty cols 200 rows 50; exec ${node} src/cli/main.ts status --watch --team ${layout.team}`;
  // A terminal of its own.
  const env = { ...process.env, TERM: "xterm" };
  const shown = spawn("script", ["-qec", command, "/dev/null"], { cwd: projectRoot, env });
  let text = "";
  const frames = () => text.replaceAll("\u001b[K\r", "").split("\u001b[H").slice(1);
  try {
    shown.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    const early = (one: string) => /^unreachable agora /m.test(one) && /^No answer yet: .*athena/m.test(one);
    await expect.poll(() => frames().some(early), { timeout: 100_000 }).toBe(true);
    const frame = frames().find(early)!;
    expect(frame).toMatch(/^[\d:]+ UTC, each asked again after 5 s/);
    expect(frame).toMatch(/^agent +state +queue +today +version +up +machine +drift +asked/m);
    expect(frame).toMatch(/^athena +asking +\? +\? +\? +\? +on r420/m);
    expect(frame).toMatch(/^agora +unreachable +on r720xd +\? +\d+ s ago/m);
    await expect.poll(() => /^unreachable athena /m.test(frames().at(-1)!), { timeout: 60_000 }).toBe(true);
  } finally {
    shown.kill();
    await new Promise((ended) => shown.once("close", ended));
    mute.closeAllConnections();
    mute.close();
  }
}, 240_000);

test("what keeps --watch from asking ends it, and leaves nothing waiting", async () => {
  await deadTeam();
  const watch = (word: string) => {
    const line = `exec ${node} src/cli/main.ts status --watch --team ${layout.team} ${word}`;
    const env = { ...process.env, TERM: "xterm" };
    return execa("script", ["-qec", line, "/dev/null"], { cwd: projectRoot, env, reject: false, timeout: 60_000 });
  };
  const unknown = await watch("athen");
  expect(unknown.stdout).toContain('unknown host "athen"');
  expect(unknown.stdout).not.toContain("\u001b[2J");
  expect(unknown.exitCode).toBe(1);
  // The history of roles cannot be read.
  mkdirSync(stateDir("lab", "role-history.jsonl"));
  const broken = await watch("");
  expect(broken.stdout).toContain("EISDIR");
  expect(broken.timedOut).toBe(false);
}, 180_000);

test("what is too long for a terminal goes on below, what is too much is counted, and nothing of a host's words reaches it", () => {
  const drawn = frame(["a".repeat(25), "evil\u001b[2J\u202E", "c", "d", "e"], 21, 6);
  const lines = ["a".repeat(20), "a".repeat(5), "evil\\u{202e}", "c", "… and 2 lines more"];
  expect(drawn).toBe(`\u001b[H${lines.map((line) => `${line}\u001b[K\n`).join("")}\u001b[J`);
});

test("an agent's line says what it does, its queue, cost, version, machine and drift", () => {
  const now = 1_000_000_000;
  const agent = {
    does: "idle",
    lastAnswer: now - 4 * 60_000,
    working: 0,
    waiting: 2,
    spentToday: 0.31,
    budgetDay: 5,
    build: "0123456789ab",
    startedAt: now - 777_600_000,
    rehearsal: false,
    memoryMb: 70,
  };
  const about = { kind: "agent", state: "fine", detail: "agent: idle", next: "" } as const;
  const statuses: HostStatus[] = [
    { ...about, name: "athena", agent, drift: { at: now, pending: 0 } },
    { ...about, name: "ares", state: "attention", agent: { ...agent, rehearsal: true, build: "" } },
    { ...about, name: "r420", kind: "hypervisor", detail: "its VM runs", machines: { athena: "running" } },
  ];
  const seen = new Map(statuses.map((status) => [status.name, { status, at: now - 2000 }]));
  const on = { hypervisor: "r420" } as Machine;
  const hosts = statuses.map(({ name, kind }) => ({ name, kind, machine: kind === "agent" ? on : undefined }));
  const tables = (width?: number) => statusTables(hosts, seen, now, width).filter((line) => line !== "");
  expect(tables()).toEqual([
    "agent   state                        queue  today                      version   up       machine          drift  asked",
    "athena  idle, last answer 4 min ago      2  $0.31 of $5.00             01234567  9 d 0 h  running on r420  none   2 s ago",
    "ares    attention                        2  $0.31 of $5.00, rehearsal  sources   9 d 0 h  on r420          ?      2 s ago",
    "host  state  machine     drift  asked    says",
    "r420  fine   hypervisor  ?      2 s ago  its VM runs",
  ]);
  // Too narrow for all of them: the least needed columns go, and an agent stays on one line.
  expect(tables(100).slice(0, 2)).toEqual([
    "agent   state                        queue  today                      machine          asked",
    "athena  idle, last answer 4 min ago      2  $0.31 of $5.00             running on r420  2 s ago",
  ]);
  expect(tables(79).slice(0, 3)).toEqual([
    "agent   state                        queue  today",
    "athena  idle, last answer 4 min ago      2  $0.31 of $5.00",
    "ares    attention                        2  $0.31 of $5.00, rehearsal",
  ]);
  expect(tables(60)[2]).toBe("ares    attention                        2  $0.31 of $5.00,…");
});
