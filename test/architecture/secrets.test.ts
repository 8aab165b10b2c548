import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { findLeaks } from "./secret-flow.ts";

vi.setConfig({ testTimeout: 120_000 });

const files = globSync("{src,stacks,roles,secrets,cloud-init}/**/*.ts", { cwd: projectRoot }).filter(
  (file) => !file.endsWith(".test.ts"),
);

describe("a secret's plain value", () => {
  it("gets into no command, argument list or environment anywhere in the sources", () => {
    expect(files.length).toBeGreaterThan(150);
    const texts = files.map((file) => [file, readFileSync(join(projectRoot, file), "utf8")] as const);
    const revealing = texts.filter(([, text]) => text.includes(".reveal()"));
    expect(revealing.length).toBeGreaterThan(15);
    expect(revealing.flatMap(([file, text]) => findLeaks(file, text))).toEqual([]);
  });

  it.each(samples("secret-leaks"))("is found %s", (_, planted) => {
    expect(findLeaks("planted.ts", planted)).toHaveLength(1);
  });

  it.each(samples("secret-sound"))("may leave %s", (_, sound) => {
    expect(findLeaks("sound.ts", sound)).toEqual([]);
  });
});

/** Pieces of TypeScript, each under a comment that names it. */
function samples(name: string): [string, string][] {
  const text = readFileSync(join(import.meta.dirname, "samples", `${name}.txt`), "utf8");
  return text.split("\n\n").map((sample) => [sample.split("\n")[0]!.replace("// ", ""), sample]);
}
