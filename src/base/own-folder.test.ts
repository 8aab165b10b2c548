import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

let runtime: string;
beforeEach(() => {
  runtime = mkdtempSync(join(tmpdir(), "olympus-runtime-"));
});
afterEach(() => rmSync(runtime, { recursive: true }));

const module = new URL("./own-folder.ts", import.meta.url).href;
const words = (then: string): string[] => [
  "--input-type=module",
  "-e",
  `import { ownFolder } from ${JSON.stringify(module)}; import { writeFileSync } from "node:fs";
   writeFileSync(ownFolder() + "/key", "k", { mode: 0o600 }); if (ownFolder() !== ownFolder()) throw 1; ${then}`,
];
const env = () => ({ ...process.env, XDG_RUNTIME_DIR: runtime });
const left = () => readdirSync(join(runtime, "olympus/processes"));

test("a process's private files go with it, also when it gives up", () => {
  execFileSync(process.execPath, words(""), { env: env() });
  spawnSync(process.execPath, words("process.exit(130)"), { env: env() });
  spawnSync(process.execPath, words("throw new Error('no')"), { env: env(), stdio: "ignore" });
  expect(left()).toEqual([]);
});

test("what a killed process left goes at the next start; a living one's stays", () => {
  const killed = spawnSync(process.execPath, words('process.kill(process.pid, "SIGKILL")'), { env: env() });
  expect(killed.signal).toBe("SIGKILL");
  expect(left()).toEqual([String(killed.pid)]);
  expect(statSync(join(runtime, "olympus/processes", String(killed.pid))).mode & 0o777).toBe(0o700);
  const living = join(runtime, "olympus/processes", String(process.pid));
  mkdirSync(living);
  writeFileSync(join(living, "key"), "k");
  execFileSync(process.execPath, words(""), { env: env() });
  expect(left()).toEqual([String(process.pid)]);
  expect(existsSync(join(living, "key"))).toBe(true);
});
