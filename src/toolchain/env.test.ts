import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Secret } from "../base/secret.ts";
import { passphraseFile, pulumiEnv, shellExports, writePassphrase } from "./env.ts";
import { layoutOf } from "./layout.ts";
import { readLock } from "./lock.ts";
import { requirePulumiEnv } from "./require-env.ts";
import { toolchainOf } from "./toolchain.ts";

const team = { name: "lab", file: "/somewhere/it's/team.yaml" } as Parameters<typeof pulumiEnv>[0];
const tools = toolchainOf(layoutOf(readLock(), "/cache/tools"));
let runtime: string;
const before = process.env.XDG_RUNTIME_DIR;
beforeEach(() => {
  runtime = mkdtempSync(join(tmpdir(), "olympus-runtime-"));
  process.env.XDG_RUNTIME_DIR = runtime;
});
afterEach(() => {
  if (before === undefined) delete process.env.XDG_RUNTIME_DIR;
  else process.env.XDG_RUNTIME_DIR = before;
  rmSync(runtime, { recursive: true });
});

test("a shell takes the variables as they are, whatever is in them", () => {
  const variables = pulumiEnv(team, tools);
  const script = `${shellExports(variables)}\nprintf '%s' "$OLYMPUS_TEAM"`;
  expect(execFileSync("sh", ["-c", script], { encoding: "utf8" })).toBe(team.file);
});

test("what npx put before a person's PATH is not exported", () => {
  const gyp = "/usr/lib/node_modules/npm/node_modules/@npmcli/run-script/lib/node-gyp-bin";
  const PATH = `/project/node_modules/.bin:/node_modules/.bin:${gyp}:/usr/bin:/home/me/node_modules/.bin`;
  const own = `${tools.binDir}:/usr/bin:/home/me/node_modules/.bin`;
  expect(pulumiEnv(team, tools, "/p", { PATH, npm_execpath: "/npm" }).PATH).toBe(own);
  expect(pulumiEnv(team, tools, "/p", { PATH }).PATH).toBe(`${tools.binDir}:${PATH}`);
});

test("the tools come first on PATH, and only once", () => {
  const once = pulumiEnv(team, tools, "/p", { PATH: "/usr/bin:/bin" });
  expect(once.PATH).toBe(`${tools.binDir}:/usr/bin:/bin`);
  expect(pulumiEnv(team, tools, "/p", { PATH: once.PATH }).PATH).toBe(once.PATH);
});

test("another backend than the local one can be chosen", () => {
  expect(pulumiEnv(team, tools, "/p", {}).PULUMI_BACKEND_URL).toMatch(/^file:\/\/.*\/lab\/pulumi$/);
  expect(pulumiEnv(team, tools, "/p", { OLYMPUS_PULUMI_BACKEND: "s3://state" }).PULUMI_BACKEND_URL).toBe("s3://state");
});

test("the passphrase goes into a private file and nowhere else", () => {
  const file = writePassphrase(team, new Secret("pulumi.passphrase", "correct horse"));
  expect(file).toBe(passphraseFile(team));
  expect(readFileSync(file, "utf8")).toBe("correct horse");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
  expect(JSON.stringify(pulumiEnv(team, tools))).not.toContain("correct horse");
  // A run of ours has its own, which goes with it.
  const own = writePassphrase(team, new Secret("pulumi.passphrase", "correct horse"), join(dirname(file), "own"));
  expect(own).not.toBe(file);
  expect(statSync(own).mode & 0o777).toBe(0o600);
});

test("a program started without the variables names the command that gives them", () => {
  expect(() => requirePulumiEnv({ PATH: "/bin" })).toThrow(expect.objectContaining({ code: "E-PULUMI-ENV" }));
  expect(() => requirePulumiEnv(pulumiEnv(team, tools))).not.toThrow();
});
