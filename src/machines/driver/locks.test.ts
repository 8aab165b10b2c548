import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clearDeadLocks, livenessOf } from "./locks.ts";

const lock = { pid: 4711, username: "kim", hostname: "desk", timestamp: "2026-11-21T08:24:27.560425828Z" };

describe("livenessOf", () => {
  it.each([
    ["its process runs here", "desk", "pulumi", "alive"],
    ["no process has its number", "desk", undefined, "dead"],
    ["another program has its number now", "desk", "bash", "dead"],
    ["it is another computer's, which nobody here can know", "rack", undefined, "unknown"],
  ])("%s", (_, here, comm, liveness) => {
    expect(livenessOf(lock, here, comm)).toBe(liveness);
  });
});

describe("clearDeadLocks", () => {
  let backend: string;
  let folder: string;
  beforeEach(() => {
    backend = mkdtempSync(join(tmpdir(), "olympus-locks-"));
    folder = join(backend, ".pulumi/locks/organization/olympus/r420");
    mkdirSync(folder, { recursive: true });
  });
  afterEach(() => rmSync(backend, { recursive: true }));

  const write = (content: object): string => {
    const file = join(folder, "one.json");
    writeFileSync(file, JSON.stringify(content));
    writeFileSync(`${file}.attrs`, "{}");
    return file;
  };

  it("takes away what a dead process left, and says whose it was", () => {
    // No process can have this number.
    const file = write({ ...lock, hostname: hostname(), pid: 2 ** 30 });
    expect(clearDeadLocks(`file://${backend}`, "olympus", "r420")).toMatchObject([{ pid: 2 ** 30 }]);
    expect(existsSync(file)).toBe(false);
    expect(existsSync(`${file}.attrs`)).toBe(false);
  });

  it("names the holder of a lock that may be in use, and leaves it", () => {
    const file = write(lock);
    expect(() => clearDeadLocks(`file://${backend}`, "olympus", "r420")).toThrow(
      /r420 is being worked on by kim@desk \(process 4711\) since 2026-11-21T08:24:27Z/,
    );
    expect(existsSync(file)).toBe(true);
  });

  it("has nothing to do for a stack that was never locked, or for another kind of backend", () => {
    expect(clearDeadLocks(`file://${backend}`, "olympus", "other")).toEqual([]);
    expect(clearDeadLocks("s3://bucket", "olympus", "r420")).toEqual([]);
  });
});
