import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import fc from "fast-check";
import ssh2 from "ssh2";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { LoadedTeam } from "../src/team/model.ts";
import { initSecrets, newSecrets, openSecrets } from "./store.ts";

let folder = "";
let file = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "olympus-secrets-"));
  file = join(folder, "team.enc.yaml");
  vi.stubEnv("SOPS_AGE_KEY", "");
  vi.stubEnv("SOPS_AGE_KEY_FILE", join(folder, "config", "age.txt"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function team(machines: readonly string[] = ["athena", "agora"]): LoadedTeam {
  return {
    name: "olympus",
    secretsFile: file,
    machines: machines.map((name) => ({ name, roles: {} })),
    team: { agents: { athena: {} }, forge: { webhooks: false } },
  } as unknown as LoadedTeam;
}

test("init makes everything that can be generated, and nothing the second time", async () => {
  const first = await initSecrets(team());
  expect(first.identity).toBe(join(folder, "config", "age.txt"));
  expect(statSync(first.identity!).mode & 0o777).toBe(0o600);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(first.made).toEqual([
    ...["ssh.deploy.private", "ssh.deploy.public", "hosts.athena.private", "hosts.athena.public"],
    ...["hosts.agora.private", "hosts.agora.public", "postgresql.mattermost", "mattermost.admin.password"],
    ...["agents.athena.dashboard", "pulumi.passphrase", "team.hmac"],
  ]);
  const text = readFileSync(file, "utf8");
  for (const secret of first.store.all()) expect(text).not.toContain(secret.reveal());
  const second = await initSecrets(team());
  expect(second.made).toEqual([]);
  expect(second.identity).toBeUndefined();
  expect(readFileSync(file, "utf8")).toBe(text);
  const third = await initSecrets(team(["athena", "agora", "hermes"]));
  expect(third.made).toEqual(["hosts.hermes.private", "hosts.hermes.public"]);
  expect(readdirSync(folder).sort()).toEqual(["config", "team.enc.yaml"]);
});

test("generated keys are what OpenSSH and ssh2 read", async () => {
  const { store } = await initSecrets(team());
  const path = join(folder, "key");
  writeFileSync(path, store.require("ssh.deploy.private").reveal(), { mode: 0o600 });
  const derived = execFileSync("ssh-keygen", ["-y", "-f", path], { encoding: "utf8" }).trim();
  expect(derived).toBe(store.require("ssh.deploy.public").reveal());
  expect(ssh2.utils.parseKey(store.require("hosts.agora.private").reveal())).not.toBeInstanceOf(Error);
});

test("any text survives a round trip", async () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/);
  const identity = await generateX25519Identity();
  vi.stubEnv("SOPS_AGE_KEY", identity);
  const recipients = [await identityToRecipient(identity)];
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(name, fc.string({ minLength: 1, unit: "grapheme" }), { maxKeys: 6 }),
      async (values) => {
        rmSync(file, { force: true });
        const store = newSecrets(file, recipients);
        for (const [key, value] of Object.entries(values)) store.set(`models.${key}`, value);
        await store.save();
        const again = await openSecrets(team());
        for (const [key, value] of Object.entries(values)) expect(again.require(`models.${key}`).reveal()).toBe(value);
        expect(again.paths()).toHaveLength(Object.keys(values).length);
      },
    ),
    { numRuns: 30 },
  );
});

test("a change leaves the cipher text of the rest as it was, and keeps what others wrote meanwhile", async () => {
  const { store: mine } = await initSecrets(team());
  const theirs = await openSecrets(team());
  const before = readFileSync(file, "utf8").split("\n");
  theirs.set("models.anthropic", "their key");
  await theirs.save();
  mine.set("models.openai", "my key");
  await mine.save();
  const again = await openSecrets(team());
  expect(again.require("models.anthropic").reveal()).toBe("their key");
  expect(again.require("models.openai").reveal()).toBe("my key");
  const after = new Set(readFileSync(file, "utf8").split("\n"));
  const gone = before.filter((line) => !after.has(line)).map((line) => line.trim().split(":")[0]);
  // The date has seconds only, so it may be the same.
  expect(gone.filter((key) => key !== "lastmodified")).toEqual(["mac"]);
});

test("many saves at the same time lose nothing, and leave no lock", async () => {
  await initSecrets(team());
  const names = Array.from({ length: 12 }, (_, at) => `models.m${at}`);
  const stores = await Promise.all(names.map(() => openSecrets(team())));
  for (const [at, name] of names.entries()) stores[at]!.set(name, `value ${at}`);
  await Promise.all(stores.map((store) => store.save()));
  expect((await openSecrets(team())).paths()).toEqual(expect.arrayContaining(names));
  expect(readdirSync(folder).sort()).toEqual(["config", "team.enc.yaml"]);
});

test("two that set the same value differently: the later one is told, and saves nothing", async () => {
  await initSecrets(team());
  const [first, second, third] = await Promise.all([1, 2, 3].map(() => openSecrets(team())));
  first!.set("models.anthropic", "one");
  second!.set("models.anthropic", "two");
  second!.set("models.openai", "x");
  third!.set("models.anthropic", "one");
  await first!.save();
  await expect(second!.save()).rejects.toMatchObject({
    code: "E-SECRETS-CHANGED",
    message: expect.stringContaining("models.anthropic"),
  });
  await third!.save();
  const again = await openSecrets(team());
  expect(again.require("models.anthropic").reveal()).toBe("one");
  expect(again.get("models.openai")).toBeUndefined();
});

test("several recipients open it; one that was removed opens no later version", async () => {
  const other = await generateX25519Identity();
  const { store } = await initSecrets(team(), [await identityToRecipient(other)]);
  const [mine] = store.recipients();
  vi.stubEnv("SOPS_AGE_KEY", other);
  expect((await openSecrets(team())).paths()).toEqual(store.paths());
  vi.stubEnv("SOPS_AGE_KEY", "");
  store.setRecipients([mine!]);
  await store.save();
  expect((await openSecrets(team())).require("team.hmac").reveal()).toBe(store.require("team.hmac").reveal());
  vi.stubEnv("SOPS_AGE_KEY", other);
  await expect(openSecrets(team())).rejects.toMatchObject({ code: "E-SECRETS-IDENTITY", exit: 1 });
});

test("the age program opens the data key, and a file sealed by it is opened", async () => {
  await initSecrets(team());
  const text = readFileSync(file, "utf8");
  const block = /-----BEGIN[\s\S]*?-----END AGE ENCRYPTED FILE-----/.exec(text)![0].replace(/^ +/gm, "");
  const identity = join(folder, "config", "age.txt");
  const key = execFileSync("age", ["--decrypt", "-i", identity], { input: `${block}\n` });
  expect(key).toHaveLength(32);
  const recipient = /age1[a-z0-9]+/.exec(readFileSync(identity, "utf8"))![0];
  const sealed = execFileSync("age", ["--encrypt", "--armor", "-r", recipient], { input: key, encoding: "utf8" });
  const indent = /^( *)-----BEGIN/m.exec(text)![1]!;
  const theirs = sealed.trim().replace(/^/gm, indent).trimStart();
  writeFileSync(file, text.replace(/-----BEGIN[\s\S]*?-----END AGE ENCRYPTED FILE-----/, theirs));
  expect((await openSecrets(team())).get("team.hmac")).toBeDefined();
});

test.each<[string, string, (text: string) => string]>([
  ["a value changed", "E-SECRETS-BROKEN", (text) => text.replace(/(passphrase: ENC\[AES256_GCM,data:)..../, "$1AAAA")],
  ["two values swapped", "E-SECRETS-BROKEN", swapPasswords],
  ["a value removed", "E-SECRETS-BROKEN", (text) => text.replace(/^ +hmac:.*\n/m, "")],
  ["a plain value added", "E-SECRETS-BROKEN", (text) => `extra: plain\n${text}`],
  ["the checksum changed", "E-SECRETS-BROKEN", (text) => text.replace(/(mac: ENC\[AES256_GCM,data:)..../, "$1AAAA")],
  ["the date changed", "E-SECRETS-BROKEN", (text) => text.replace(/lastmodified: "?\d{4}/, "lastmodified: 1999")],
  ["cut off in the middle", "E-SECRETS-BROKEN", (text) => text.slice(0, text.length / 2)],
  ["cut off before its end", "E-SECRETS-BROKEN", (text) => text.slice(0, text.indexOf("    mac:"))],
  ["empty", "E-SECRETS-BROKEN", () => ""],
  ["an age part damaged", "E-SECRETS-BROKEN", (text) => text.replace(/(YWdlLWVuY3J5cHRpb24)../, "$1zz")],
])("%s: refused", async (_, code, damage) => {
  await initSecrets(team());
  const before = readFileSync(file, "utf8");
  const after = damage(before);
  expect(after).not.toBe(before);
  writeFileSync(file, after);
  await expect(openSecrets(team())).rejects.toMatchObject({ code, exit: 1, where: file });
});

function swapPasswords(text: string): string {
  const [, first] = /passphrase: (.*)/.exec(text)!;
  const [, second] = /password: (.*)/.exec(text)!;
  return text.replace(first!, "@").replace(second!, first!).replace("@", second!);
}

test("no file, no identity, an identity that others can read, a missing secret: each says what to do", async () => {
  await expect(openSecrets(team())).rejects.toMatchObject({
    code: "E-SECRETS-FILE",
    hint: expect.stringContaining("olympus secrets init"),
  });
  const { store } = await initSecrets(team());
  expect(() => store.require("models.anthropic")).toThrow(
    expect.objectContaining({ code: "E-SECRET-MISSING", hint: "npx olympus secrets set models.anthropic" }),
  );
  expect(() => store.set("models", "x")).not.toThrow();
  expect(() => store.set("ssh", "x")).toThrow(expect.objectContaining({ code: "E-SECRET-VALUE" }));
  expect(() => store.set("a..b", "x")).toThrow(expect.objectContaining({ code: "E-SECRET-VALUE" }));
  // SOPS leaves values with such names in plain text.
  expect(() => store.set("models.x_unencrypted", "x")).toThrow(expect.objectContaining({ code: "E-SECRET-VALUE" }));
  const identity = join(folder, "config", "age.txt");
  execFileSync("chmod", ["644", identity]);
  await expect(openSecrets(team())).rejects.toMatchObject({
    code: "E-SECRETS-IDENTITY",
    hint: `chmod 600 ${identity}`,
  });
  rmSync(identity);
  await expect(initSecrets(team())).rejects.toMatchObject({ code: "E-SECRETS-IDENTITY" });
});
