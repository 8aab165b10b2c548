import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { openSecrets } from "./store.ts";

// Files that the real sops 3.11.0 wrote: fixtures/make-sops.sh. The other way round: test/contract/sops.test.ts.

const fixtures = join(import.meta.dirname, "fixtures");
let folder = "";
let file = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "olympus-secrets-"));
  file = join(folder, "team.enc.yaml");
  vi.stubEnv("SOPS_AGE_KEY", readFileSync(join(fixtures, "test-only-identity.txt"), "utf8"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

async function open(fixture?: string) {
  if (fixture !== undefined) writeFileSync(file, readFileSync(join(fixtures, fixture)));
  return openSecrets({ secretsFile: file });
}

const values = {
  "models.anthropic": "plain-words-1",
  "models.retries": "3",
  "models.ratio": "0.5",
  "models.large": "123456789012",
  "models.enabled": "True",
  "models.disabled": "False",
  "models.empty": "",
  "models.date": "2026-11-21T00:00:00Z",
  "models.multi": "two\nlines\n",
  "models.keys.0": "first",
  "models.keys.2": "second",
  "models.keys.3.name": "nested",
  "models.keys.3.token": "plain-words-2",
  "models.odd:key é": "ünïcode 🏛",
  "team.note_unencrypted": "seen by everybody",
  "team.hmac": "plain-words-3",
};

describe("a file that sops wrote", () => {
  test.each(["sops.enc.yaml", "sops-regex.enc.yaml", "sops-mac-only.enc.yaml", "sops-pgp.enc.yaml"])(
    "%s is read, each value and nothing else",
    async (fixture) => {
      const store = await open(fixture);
      const read = Object.fromEntries(store.all().map((secret) => [secret.name, secret.reveal()]));
      expect(read).toEqual(values);
    },
  );

  test("stays as it is but for what is set: comments, numbers, lists", async () => {
    const store = await open("sops.enc.yaml");
    const lines = (): string[] =>
      readFileSync(file, "utf8")
        .split("\n")
        .map((line) => line.trim());
    const before = lines();
    store.set("models.openai", "new");
    await store.save();
    expect((await open()).require("models.openai").reveal()).toBe("new");
    const after = new Set(lines());
    const gone = before.filter((line) => !after.has(line)).map((line) => line.split(":")[0]);
    expect(gone).toEqual(["lastmodified", "mac", "version"]);
  });

  test("is sealed anew with its comments when somebody is taken away", async () => {
    const store = await open("sops.enc.yaml");
    const mine = store.recipients();
    store.setRecipients([...mine, await identityToRecipient(await generateX25519Identity())]);
    await store.save();
    const before = readFileSync(file, "utf8");
    store.setRecipients(mine);
    await store.save();
    const after = readFileSync(file, "utf8");
    const sealed = (text: string): string[] => text.match(/ENC\[[^\]]*type:comment\]/g)!;
    expect(sealed(after)).toHaveLength(4);
    expect(sealed(after).filter((one) => before.includes(one))).toEqual([]);
    const again = await open();
    expect(Object.fromEntries(again.all().map((secret) => [secret.name, secret.reveal()]))).toEqual(values);
  });
});

describe("what people set up with sops", () => {
  test("a PGP recipient stays, word for word", async () => {
    const store = await open("sops-pgp.enc.yaml");
    const before = parse(readFileSync(file, "utf8")).sops.pgp;
    store.set("models.openai", "new");
    await store.save();
    expect(parse(readFileSync(file, "utf8")).sops.pgp).toEqual(before);
  });

  test("a new data key, which the PGP recipient would not get, is refused", async () => {
    const store = await open("sops-pgp.enc.yaml");
    const mine = store.recipients();
    store.setRecipients([...mine, await identityToRecipient(await generateX25519Identity())]);
    await store.save();
    const before = readFileSync(file, "utf8");
    store.setRecipients(mine);
    await expect(store.save()).rejects.toMatchObject({
      code: "E-SECRETS-FOREIGN",
      exit: 1,
      message: expect.stringContaining("pgp"),
    });
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  test.each([
    ["sops-regex.enc.yaml", "encrypted_regex"],
    ["sops-mac-only.enc.yaml", "mac_only_encrypted"],
  ])("%s: nothing is saved rather than %s lost", async (fixture, setting) => {
    const store = await open(fixture);
    const before = readFileSync(file, "utf8");
    store.set("models.openai", "new");
    await expect(store.save()).rejects.toMatchObject({
      code: "E-SECRETS-FOREIGN",
      where: file,
      message: expect.stringContaining(setting),
    });
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  test("a key split among groups is named", async () => {
    await expect(open("sops-groups.enc.yaml")).rejects.toMatchObject({ code: "E-SECRETS-FOREIGN" });
  });
});
