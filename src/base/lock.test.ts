import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { withFileLock } from "./lock.ts";
import { identify } from "./process.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lock-"));
  file = join(folder, "lock");
});
afterEach(() => rmSync(folder, { recursive: true }));

const dead = JSON.stringify({ pid: 4_194_303, started: "1" });

it("takes over from a dead holder, also one that died before it wrote who it is or whose number another process has by now", async () => {
  const reused = [process.pid, process.ppid].map((pid) => JSON.stringify({ pid, started: "1" }));
  for (const left of [dead, "", '{"pid":1', `${process.pid}\n`, ...reused]) {
    writeFileSync(file, left);
    expect(await withFileLock(file, { waitMs: 0 }, async () => "ours")).toBe("ours");
  }
  expect(readdirSync(folder)).toEqual([]);
});

it("tells once whom it waits for, names it when it has waited long enough, and ends at once when it is interrupted", async () => {
  writeFileSync(file, JSON.stringify(identify(process.ppid)));
  const told: number[] = [];
  const waiting = (holder: number) => void told.push(holder);
  await expect(withFileLock(file, { waitMs: 120, waiting }, async () => "never")).rejects.toMatchObject({
    code: "E-LOCKED",
    exit: 75,
    message: expect.stringContaining(String(process.ppid)),
  });
  expect(told).toEqual([process.ppid]);
  await expect(withFileLock(file, { signal: AbortSignal.timeout(20) }, async () => "never")).rejects.toThrow();
  expect(readdirSync(folder)).toEqual(["lock"]);
});

it("lets one in at a time, although all find a dead holder, and after work that failed", async () => {
  writeFileSync(file, dead);
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    inside += 1;
    most = Math.max(most, inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
    throw new Error("no");
  };
  const all = await Promise.allSettled(Array.from({ length: 8 }, () => withFileLock(file, {}, work)));
  expect(all.every((one) => one.status === "rejected" && String(one.reason) === "Error: no")).toBe(true);
  expect(most).toBe(1);
});
