import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { newSecrets, openSecrets } from "../../secrets/store.ts";
import { sopsProgram } from "../support/sops.ts";

// What Olympus writes, in the hands of the real sops. The other way round: secrets/sops-program.test.ts.

const folder = mkdtempSync(join(tmpdir(), "olympus-sops-"));
const file = join(folder, "team.enc.yaml");
let sops: (...words: string[]) => Promise<string>;
let mine = "";
let other = "";

beforeAll(async () => {
  const program = await sopsProgram();
  const identity = await generateX25519Identity();
  process.env.SOPS_AGE_KEY = identity;
  mine = await identityToRecipient(identity);
  other = await identityToRecipient(await generateX25519Identity());
  sops = async (...words) =>
    (await execa(program, ["--disable-version-check", ...words], { stripFinalNewline: false })).stdout;
});

afterAll(() => {
  delete process.env.SOPS_AGE_KEY;
  rmSync(folder, { recursive: true });
});

const open = () => openSecrets({ secretsFile: file });

test("sops opens what Olympus wrote, whatever the values are", async () => {
  const values = [
    "plain",
    "two\nlines\n",
    "007",
    "true",
    "null",
    " # : - ' \"",
    "ENC[x",
    "ünïcode 🏛",
    "\ttab",
    "a\r\nb",
  ];
  const store = newSecrets(file, [mine, other]);
  for (const [at, value] of values.entries()) store.set(`models.v${at}`, value);
  await store.save();
  expect(Object.values(parse(await sops("decrypt", file)).models)).toEqual(values);
});

test("both change the file in turn, and neither loses what the other did", async () => {
  await sops("set", file, '["models"]["more"]', '{"one": "first", "two": 2, "list": ["a", true]}');
  const store = await open();
  expect(store.require("models.more.two").reveal()).toBe("2");
  store.set("models.v0", "changed");
  store.delete("models.v1");
  store.set("models.more.list.2", "appended");
  await store.save();
  await sops("set", file, '["agents"]["athena"]["dashboard"]', '"from sops"');
  const { models, agents } = parse(await sops("decrypt", file));
  expect(models).toMatchObject({ v0: "changed", more: { one: "first", two: 2, list: ["a", true, "appended"] } });
  expect(models).not.toHaveProperty("v1");
  expect(agents.athena.dashboard).toBe("from sops");
  expect((await open()).require("agents.athena.dashboard").reveal()).toBe("from sops");
});

test("sops opens a file that somebody was taken away from, comments included", async () => {
  const plain = join(folder, "plain.yaml");
  writeFileSync(
    plain,
    "# first\nmodels:\n    # about it\n    anthropic: x # behind\n    keys:\n        # in a list\n        - y\n",
  );
  writeFileSync(file, await sops("encrypt", "--age", `${mine},${other}`, plain));
  const store = await open();
  store.setRecipients([mine]);
  await store.save();
  const text = readFileSync(file, "utf8");
  expect(text).not.toContain(other);
  const decrypted = await sops("decrypt", file);
  for (const comment of ["# first", "# about it", "# behind", "# in a list"]) expect(decrypted).toContain(comment);
  await sops("rotate", "--in-place", file);
  expect((await open()).require("models.keys.1").reveal()).toBe("y");
});

test("a command that prints the identity means the same to both, quotes and patterns included", async () => {
  const identity = process.env.SOPS_AGE_KEY!;
  delete process.env.SOPS_AGE_KEY;
  const key = join(folder, "an identity.txt");
  writeFileSync(key, `${identity}\n`, { mode: 0o600 });
  const at = key.replaceAll(" ", "\\ ");
  const values: Record<string, boolean> = {
    [`cat "${key}"`]: true,
    [`cat ${at} # of this team`]: true,
    [`sh -c 'cat "$1"' - '${key}'`]: true,
    [`cat ${key}`]: false,
    [`cat ${at} | cat`]: false,
    [`cat ${folder}/an*`]: false,
    [`cat '${key}`]: false,
    "": false,
  };
  try {
    for (const [value, opens] of Object.entries(values)) {
      process.env.SOPS_AGE_KEY_CMD = value;
      const both = [sops("decrypt", file), open()].map((one) =>
        one.then(
          () => true,
          () => false,
        ),
      );
      expect([value, ...(await Promise.all(both))]).toEqual([value, opens, opens]);
    }
  } finally {
    delete process.env.SOPS_AGE_KEY_CMD;
    process.env.SOPS_AGE_KEY = identity;
  }
});
