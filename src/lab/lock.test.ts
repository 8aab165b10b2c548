import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { withLock } from "./lock.ts";
import { identify } from "./processes.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "lock-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

it("takes over at once from a holder that has died, also when its number is taken by another process", async () => {
  const file = join(dir, "lock");
  writeFileSync(file, JSON.stringify({ pid: 4_194_303, started: "1" }));
  expect(await withLock(file, 0, async () => "dead")).toBe("dead");
  writeFileSync(file, JSON.stringify({ pid: process.pid, started: "1" }));
  expect(await withLock(file, 0, async () => "reused")).toBe("reused");
});

it("names the holder that lives", async () => {
  const file = join(dir, "lock");
  writeFileSync(file, JSON.stringify(identify(process.pid)));
  await expect(withLock(file, 100, async () => "never")).rejects.toMatchObject({
    code: "E-LOCKED",
    exit: 75,
    message: expect.stringContaining(String(process.pid)),
  });
});

it("gives the lock back when the work fails", async () => {
  const file = join(dir, "lock");
  const failing = withLock(file, 0, async () => {
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  expect(await withLock(file, 0, async () => "again")).toBe("again");
});
