import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { runtimeDir } from "./paths.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "olympus-paths-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

it("private files lie in this user's runtime folder, also one that is yet to be made", () => {
  for (const given of [folder, join(folder, "new")]) {
    vi.stubEnv("XDG_RUNTIME_DIR", given);
    expect(runtimeDir("stacks")).toBe(join(given, "olympus/stacks"));
  }
});

it("and never in another user's, which su leaves in the environment", () => {
  // Root gives the folder away; to anybody else /usr is another's.
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(folder, 12_345, 12_345);
  vi.stubEnv("XDG_RUNTIME_DIR", isRoot ? folder : "/usr");
  expect(runtimeDir("stacks")).toMatch(/^(\/run\/|\/.*\/\.cache\/)(user\/\d+\/)?olympus\/stacks$/);
  vi.stubEnv("XDG_RUNTIME_DIR", "");
  expect(runtimeDir("stacks")).not.toMatch(/^olympus/);
});
