import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeOnce, replaceFile, sync } from "./durable.ts";

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

test("a file is replaced by another one, so that whoever has the old one open goes on with it whole", async () => {
  const folder = mkdtempSync(join(tmpdir(), "olympus-durable-"));
  const file = join(folder, "settings.yaml");
  try {
    writeFileSync(file, "old");
    linkSync(file, join(folder, "held"));
    await replaceFile(file, "new", 0o640);
    expect(readFileSync(file, "utf8")).toBe("new");
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readFileSync(join(folder, "held"), "utf8")).toBe("old");
    mkdirSync(join(folder, "in-the-way"));
    await expect(replaceFile(join(folder, "in-the-way"), "new", 0o600)).rejects.toThrow();
    expect(readdirSync(folder).sort()).toEqual(["held", "in-the-way", "settings.yaml"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
