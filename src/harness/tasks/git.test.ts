import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { git } from "./git.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "olympus-git-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const hashOf = (file: string) => git(["hash-object", "--stdin"], { folder, input: { file, from: 0 } });

test("what a sandbox wrote is read where it is a file; a pipe that nobody writes to, a folder and a link are refused at once", async () => {
  const file = join(folder, "file");
  writeFileSync(file, "hello\n");
  expect(await hashOf(file)).toBe("ce013625030ba8dba906f756967f9e9ca394464a\n");
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  await expect(hashOf(pipe)).rejects.toThrow(/^git hash-object: \S+ is not a file$/);
  await expect(hashOf(folder)).rejects.toThrow(/is not a file/);
  symlinkSync(file, join(folder, "link"));
  await expect(hashOf(join(folder, "link"))).rejects.toThrow(/ELOOP/);
});

test("what the harness's own environment says to git is not heard: neither its programs nor settings come from there", async () => {
  vi.stubEnv("GIT_EXEC_PATH", folder);
  vi.stubEnv("GIT_CONFIG_PARAMETERS", "'user.name'='eve'");
  vi.stubEnv("GIT_AUTHOR_NAME", "eve");
  vi.stubEnv("GIT_AUTHOR_EMAIL", "eve@evil.example");
  try {
    expect(await git(["--exec-path"], { folder })).not.toContain(folder);
    expect(await git(["config", "--default", "nobody", "user.name"], { folder })).toBe("nobody\n");
    expect(await git(["var", "GIT_AUTHOR_IDENT"], { folder }).catch(String)).not.toContain("eve");
  } finally {
    vi.unstubAllEnvs();
  }
});
