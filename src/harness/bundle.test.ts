import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { type Bundle, buildBundle } from "./bundle.ts";

const cache = mkdtempSync(join(tmpdir(), "olympus-bundle-"));
let bundle: Bundle;

beforeAll(async () => {
  vi.stubEnv("OLYMPUS_CACHE", cache);
  bundle = await buildBundle("harness");
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});

const text = (file: string): string => readFileSync(join(bundle.folder, file), "utf8");

/** Files of the bundle that `file` leads to; `lazily` also by what it imports when it needs it. */
function reached(file: string, lazily: boolean, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const imports = lazily ? /(?:from|import)\(?\s*"\.\/([^"]+)"/g : /(?:from|import)\s*"\.\/([^"]+)"/g;
  for (const [, next] of text(file).matchAll(imports)) reached(next!, lazily, seen);
  return seen;
}

/** What every package of a model's provider has in it: the mark of the errors that they share. */
const ofProviders = (files: Iterable<string>): string[] =>
  [...files].filter((file) => text(file).includes("vercel.ai.error"));

it("is small: an agent's machine gets it with each change", () => {
  expect(bundle.bytes).toBeLessThan(3e6);
});

it("reads no package of a model's provider before the first call", () => {
  const started = reached("main.mjs", false);
  expect(started.size).toBeGreaterThan(1);
  expect(started).not.toContain("models.mjs");
  expect(ofProviders(started)).toEqual([]);
  // They are there, and nowhere but behind the one import that the first call makes.
  expect(ofProviders(reached("main.mjs", true))).not.toEqual([]);
  const behind = reached("models.mjs", true);
  expect(ofProviders(reached("main.mjs", true)).filter((file) => !behind.has(file))).toEqual([]);
  // A call reads its own provider's alone.
  expect(ofProviders(reached("models.mjs", false))).toEqual([]);
});
