import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeOnce, sync } from "./durable.ts";

test("a file is made once, private from its first byte, with nothing beside it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "olympus-durable-"));
  const file = join(folder, "age.txt");
  try {
    expect(makeOnce(file, "first", 0o600)).toBe(true);
    expect(makeOnce(file, "second", 0o600)).toBe(false);
    expect(readFileSync(file, "utf8")).toBe("first");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["age.txt"]);
    await sync(folder);
    expect(() => makeOnce(join(folder, "missing/file"), "", 0o600)).toThrow("ENOENT");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
