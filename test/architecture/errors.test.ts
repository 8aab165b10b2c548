import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";

/** Codes stand in the sources as whole string literals; those of unit tests are made up. */
function raisedCodes(): Set<string> {
  const files = globSync("{src,stacks,roles,secrets,cloud-init}/**/*.{ts,sh}", { cwd: projectRoot });
  const sources = files.filter((file) => !file.endsWith(".test.ts"));
  expect(sources.length).toBeGreaterThan(100);
  return new Set(
    sources.flatMap((file) =>
      [...readFileSync(join(projectRoot, file), "utf8").matchAll(/["'`](E-[A-Z]+(?:-[A-Z]+)*)["'`]/g)]
        .map(([, code]) => code!)
        // `E-XYZ` in prose stands for any code.
        .filter((code) => code !== "E-XYZ"),
    ),
  );
}

const page = readFileSync(join(projectRoot, "docs/reference/errors.md"), "utf8");
const entries = page.split(/^#{2,3} (?=E-)/m).slice(1);
const codeOf = (entry: string): string => entry.slice(0, entry.indexOf("\n")).trim();

it("documents every error code once, and no code that nothing raises", () => {
  const raised = raisedCodes();
  const documented = entries.map(codeOf);
  expect([...raised].filter((code) => !documented.includes(code)).sort()).toEqual([]);
  expect(documented.filter((code) => !raised.has(code)).sort()).toEqual([]);
  expect(documented.filter((code, at) => documented.indexOf(code) !== at)).toEqual([]);
});

it.each(entries.map((entry) => [codeOf(entry), entry]))("%s says cause and fix", (_, entry) => {
  expect(entry).toMatch(/Cause: .+\. Fix: .+\./s);
});
