import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { SshConnection } from "../ssh/connection.ts";
import { watchBoot } from "./boot-watch.ts";

// The pauses are of node:timers/promises, which fake timers leave alone: here the clock is moved on in their place.
vi.mock("node:timers/promises", () => ({
  setTimeout: async (ms: number, _: undefined, { signal }: { signal: AbortSignal }) => {
    await new Promise(setImmediate);
    signal.throwIfAborted();
    vi.setSystemTime(Date.now() + ms);
    passed(Date.now());
  },
}));

let folder: string;
let file: string;
let passed: (now: number) => void;
let requests: number;
let resets: number;
const told: string[] = [];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: 0 });
  folder = mkdtempSync(join(tmpdir(), "boot-watch-"));
  file = join(folder, "console.log");
  writeFileSync(file, "Booting from Hard Disk...\r\n");
  passed = () => undefined;
  requests = 100;
  resets = 0;
  told.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

const connection = {
  target: { name: "r420" },
  exec: async (command: string) => {
    if (command.includes("reset")) resets++;
    return { code: 0, stdout: `block.0.rd.reqs=${requests}\n`, stderr: "" };
  },
} as unknown as SshConnection;

const watch = (signal = AbortSignal.timeout(20_000)) =>
  watchBoot({ connection, domain: "lab.athena", file, onProgress: (what) => told.push(what), signal });

test("a boot that stands still before its system began is started again, twice at most", async () => {
  await watch();
  expect(resets).toBe(2);
  expect(told).toEqual(Array(2).fill("no sign of life; started again"));
  // The first sign, and three minutes without another.
  expect(Date.now()).toBe(15_000 + 180_000 + 180_000);
});

test("one that says anything, or reads its disk, is left alone", async () => {
  passed = (now) => {
    if (now > 600_000) appendFileSync(file, "Welcome to Debian");
    else if (now % 120_000 === 0) appendFileSync(file, ".");
    else if (now % 60_000 === 0) requests++;
  };
  await watch();
  expect([resets, Date.now()]).toEqual([0, 615_000]);
});

test.each([
  "[  OK  ] Started ssh.service",
  "\u001b[0;32m[  OK  ]\u001b[0m Mounted /boot",
  "[   48.1] cloud-init-server[238]: Cloud-init v. 22.4.2",
  "athena login:",
])("a system that said %j is never cut off, however still it is", async (line) => {
  appendFileSync(file, line);
  await watch();
  expect([resets, Date.now()]).toEqual([0, 15_000]);
});

test("the watch ends with its signal", async () => {
  const end = new AbortController();
  passed = (now) => now >= 60_000 && end.abort();
  await expect(watch(end.signal)).rejects.toThrow("aborted");
  expect(resets).toBe(0);
});
