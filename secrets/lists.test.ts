import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { armor, Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { checksumOf, sealValue } from "./cipher.ts";
import { openSecrets } from "./store.ts";

// A file as `sops edit` leaves it when somebody put lists into it: an item's place is that of its list, without a number.

const key = Buffer.from("k".repeat(32));
const date = "2026-11-21T10:00:00Z";
const seal = (plain: string, place: string, type = "str"): string => sealValue(plain, key, place, type);
let folder = "";
let file = "";

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "olympus-secrets-"));
  file = join(folder, "team.enc.yaml");
  const identity = await generateX25519Identity();
  vi.stubEnv("SOPS_AGE_KEY", identity);
  const recipient = await identityToRecipient(identity);
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  const enc = armor.encode(await encrypter.encrypt(key)).trimEnd();
  const values = ["first", "second", "8065", "mara", "True", "team's key"];
  writeFileSync(
    file,
    `models:
    keys:
        - ${seal("first", "models:keys:")}
        - ${seal("second", "models:keys:")}
        - ${seal("8065", "models:keys:", "int")}
    people:
        - name: ${seal("mara", "models:people:name:")}
          open_unencrypted: true
team:
    hmac: ${seal("team's key", "team:hmac:")}
sops:
    age:
        - recipient: ${recipient}
          enc: |
${enc.replace(/^/gm, "            ")}
    lastmodified: "${date}"
    mac: ${seal(checksumOf(values), date)}
    version: 3.9.0
`,
  );
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const open = () => openSecrets({ secretsFile: file });

test("every item of a list is read", async () => {
  const store = await open();
  expect(store.paths()).toEqual([
    ...["models.keys.0", "models.keys.1", "models.keys.2"],
    ...["models.people.0.name", "models.people.0.open_unencrypted", "team.hmac"],
  ]);
  expect(store.all().map((secret) => secret.reveal())).toEqual([
    ...["first", "second", "8065", "mara", "True", "team's key"],
  ]);
});

test("a change elsewhere leaves lists as they are, in plain and in cipher", async () => {
  const before = parse(readFileSync(file, "utf8"));
  const store = await open();
  store.set("models.anthropic", "new");
  expect(await store.save()).toBe(true);
  const after = parse(readFileSync(file, "utf8"));
  expect(after.models.keys).toEqual(before.models.keys);
  expect(after.models.people).toEqual(before.models.people);
  expect((await open()).require("models.anthropic").reveal()).toBe("new");
});

test("items are changed, appended and taken out; the rest keeps its cipher text and its kind", async () => {
  const before = parse(readFileSync(file, "utf8")).models.keys;
  const store = await open();
  store.set("models.keys.1", "changed");
  store.set("models.keys.3", "fourth");
  await store.save();
  store.delete("models.keys.0");
  await store.save();
  const again = await open();
  expect([0, 1, 2].map((at) => again.require(`models.keys.${at}`).reveal())).toEqual(["changed", "8065", "fourth"]);
  expect(again.get("models.keys.3")).toBeUndefined();
  const after = parse(readFileSync(file, "utf8")).models.keys;
  expect(after).toHaveLength(3);
  expect(after[1]).toBe(before[2]);
});

test("a place that a list does not have is refused, and the file stays", async () => {
  const before = readFileSync(file, "utf8");
  for (const name of ["models.keys.7", "models.keys.name"]) {
    const store = await open();
    store.set(name, "x");
    await expect(store.save()).rejects.toMatchObject({ code: "E-SECRET-VALUE" });
  }
  expect(readFileSync(file, "utf8")).toBe(before);
});

test("taking somebody away seals items anew, and numbers stay numbers", async () => {
  const other = await generateX25519Identity();
  const store = await open();
  const mine = store.recipients();
  store.setRecipients([...mine, await identityToRecipient(other)]);
  await store.save();
  const before = parse(readFileSync(file, "utf8")).models.keys;
  store.setRecipients(mine);
  await store.save();
  const after = parse(readFileSync(file, "utf8")).models.keys;
  expect(after[2]).not.toBe(before[2]);
  expect(after[2]).toMatch(/type:int\]$/);
  expect((await open()).require("models.keys.2").reveal()).toBe("8065");
});
