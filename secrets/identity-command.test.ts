import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { OlympusError } from "../src/base/errors.ts";
import { isAlive } from "../src/base/process.ts";
import { readIdentities } from "./identity.ts";
import { identityCommand, splitWords } from "./identity-command.ts";
import { newSecrets, openSecrets } from "./store.ts";

let folder = "";
const identity = await generateX25519Identity();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "olympus-identity-"));
  vi.stubEnv("SOPS_AGE_KEY", undefined);
  vi.stubEnv("SOPS_AGE_KEY_FILE", undefined);
  vi.stubEnv("XDG_CONFIG_HOME", folder);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** A program that notes each time it is run. */
function program(text: string): string {
  const path = join(folder, "a program");
  writeFileSync(path, `#!/bin/sh\necho run >>'${folder}/runs'\n${text}\n`, { mode: 0o755 });
  return `"${path}"`;
}

test("the identity that a command prints opens the secrets and saves them; it is run once, its stderr is nobody's", async () => {
  vi.stubEnv("SOPS_AGE_KEY_CMD", program(`echo "# public key"; echo ${identity}; echo AGE-SECRET-KEY-1STDERR >&2`));
  expect(await readIdentities()).toEqual([identity]);
  const secretsFile = join(folder, "team.enc.yaml");
  const made = newSecrets(secretsFile, [await identityToRecipient(identity)]);
  made.set("models.anthropic", "one");
  await made.save();
  expect((await openSecrets({ secretsFile })).require("models.anthropic").reveal()).toBe("one");
  expect(readFileSync(join(folder, "runs"), "utf8")).toBe("run\n");
});

test("SOPS_AGE_KEY and the file come before the command, the command before one's own file", async () => {
  const [ours, named, given] = await Promise.all([1, 2, 3].map(() => generateX25519Identity()));
  vi.stubEnv("SOPS_AGE_KEY_CMD", `echo ${identity}`);
  const files = [join(folder, "olympus"), join(folder, "named.txt")];
  mkdirSync(files[0]!);
  writeFileSync(join(files[0]!, "age.txt"), ours!, { mode: 0o600 });
  writeFileSync(files[1]!, named!, { mode: 0o600 });
  expect(await readIdentities()).toEqual([identity]);
  vi.stubEnv("SOPS_AGE_KEY_FILE", files[1]!);
  expect(await readIdentities()).toEqual([named]);
  vi.stubEnv("SOPS_AGE_KEY", given!);
  expect(await readIdentities()).toEqual([given]);
});

test.each([
  ["fails", (key: string) => program(`echo ${key}; echo ${key} >&2; exit 3`), "failed: exit code 3"],
  ["is killed", (key: string) => program(`echo ${key}; kill -9 $$`), "failed: SIGKILL"],
  ["is not there", (key: string) => `/nowhere/${key}`, "cannot be run (ENOENT)"],
  ["is none", () => " # later", "has no command in it"],
  ["has an open quote", (key: string) => `echo '${key}`, "has no closing '"],
  ["prints something else", (key: string) => `echo key:${key}`, "there is no age identity in it"],
])(
  "a command that %s: told without what it printed or what the variable holds, exit 1",
  async (_, command, message) => {
    vi.stubEnv("SOPS_AGE_KEY_CMD", command(identity));
    const error: OlympusError = await readIdentities().catch((caught) => caught);
    expect(error).toMatchObject({ code: "E-SECRETS-IDENTITY", exit: 1, message: expect.stringContaining(message) });
    expect(`${error.message} ${error.where}`).toContain("SOPS_AGE_KEY_CMD");
    expect(JSON.stringify([error.message, error.where, error.hint, error.stack, String(error.cause)])).not.toContain(
      identity,
    );
  },
);

/** Pids that a program noted, of processes that are there still. */
const left = (): number[] =>
  readFileSync(join(folder, "pids"), "utf8")
    .trim()
    .split("\n")
    .map(Number)
    .filter((pid) => isAlive(pid));

test("a command that does not end is ended, also where it started another that keeps its pipe open", async () => {
  const noted = `echo $! >>'${folder}/pids'`;
  // One below another, and one that does not care to be told.
  const value = program(
    `sh -c 'sleep 20 & echo $! >>"$0"; wait' '${folder}/pids' & ${noted}; (trap '' TERM; exec sleep 20) & ${noted}; echo AGE-SECRET-KEY-1; wait`,
  );
  await expect(identityCommand(value, 1000)).rejects.toThrow("SOPS_AGE_KEY_CMD names a command that had not ended");
  expect(readFileSync(join(folder, "pids"), "utf8").trim().split("\n")).toHaveLength(3);
  await expect.poll(left, { timeout: 2000 }).toEqual([]);
  // What failed is asked again.
  await expect(identityCommand(value, 300)).rejects.toThrow("had not ended after 0.3 s");
  await expect.poll(left, { timeout: 2000 }).toEqual([]);
  expect(readFileSync(join(folder, "runs"), "utf8")).toBe("run\nrun\n");
}, 10_000);

test("a command that prints without end is ended", async () => {
  const value = program(`yes AGE-SECRET-KEY-1 & echo $! >>'${folder}/pids'; wait`);
  await expect(identityCommand(value, 8000)).rejects.toThrow("SOPS_AGE_KEY_CMD names a command that printed more than");
  await expect.poll(left, { timeout: 2000 }).toEqual([]);
}, 10_000);

test("words are those of a shell, without its variables and patterns", () => {
  const text = `op  read "op://a b/\\"c\\"$HOME" 'it''s \\n' a\\ b# "" * | x # all the rest`;
  expect(splitWords(text)).toEqual([...["op", "read", 'op://a b/"c"$HOME', "its \\n", "a b#", "", "*", "|", "x"]]);
  expect(() => splitWords("a \\")).toThrow("ends with a backslash");
});
