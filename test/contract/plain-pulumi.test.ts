import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { toolchain } from "../../src/toolchain/index.ts";

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "olympus-plain-"));
});
afterAll(() => rmSync(home, { recursive: true }));

const started = { cwd: projectRoot, extendEnv: false, reject: false, stdin: "ignore", timeout: 100_000 } as const;
const told = 'run first: eval "$(npx olympus env)"';

// Somebody's new shell in the project's folder: not one of our variables, and no login to anything.
test.each([
  ["up", "--yes", "-s", "r420"],
  ["preview", "-s", "r420"],
  ["destroy", "--yes"],
  ["stack", "ls"],
])("a plain pulumi %s without any of the project's environment says which command gives it", async (...words) => {
  const env = { HOME: home, PATH: "/usr/bin:/bin" };
  const result = await execa(toolchain().pulumi, words, { ...started, env });
  expect(result.stderr).toContain(told);
  expect(result.exitCode).toBe(255);
});

test("and so it does on a terminal, in place of asking for an account", async () => {
  const env = { HOME: home, PATH: "/usr/bin:/bin", TERM: "xterm" };
  const result = await execa("script", ["-qec", `${toolchain().pulumi} up`, "/dev/null"], { ...started, env });
  expect(result.stdout).toContain(told);
  expect(result.exitCode).toBe(255);
});
