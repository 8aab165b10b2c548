import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readAnsibleVault } from "./ansible-vault.ts";

// Files that the real ansible-vault (ansible-core 2.19.14) wrote: fixtures/make-vault.sh.

const password = "vault password of the fixture";
const fixture = (name: string): string => readFileSync(join(import.meta.dirname, "fixtures", name), "utf8");
const read = async (text: string, given = password) =>
  Object.fromEntries(await readAnsibleVault(text, given, "vault.yml"));

test.each(["vault-1.1.yml", "vault-1.2.yml"])(
  "%s: every value of a file that is encrypted as a whole",
  async (name) => {
    expect(await read(fixture(name))).toEqual({
      anthropic_api_key: "vault words 1",
      "mattermost.bots.athena": "vault words 2",
      "mattermost.port": "8065",
      openai_api_key: "vault words 3: ünïcode",
      deploy_key: "two\nlines\n",
      "tokens.0": "vault words 4",
      "tokens.1": "vault words 5",
    });
  },
);

test("single values of a file that is otherwise plain", async () => {
  expect(await read(fixture("vault-inline.yml"))).toEqual({
    anthropic_api_key: "inline words 1",
    "nested.token": "inline words 2",
  });
});

test("a file that was checked out with Windows' line ends", async () => {
  expect(await read(fixture("vault-1.1.yml").replaceAll("\n", "\r\n"))).toHaveProperty("deploy_key", "two\nlines\n");
});

test("wrong password, damage, another format: refused, and the password is not told", async () => {
  const whole = fixture("vault-1.1.yml");
  const refused = { code: "E-VAULT", exit: 1, where: expect.stringContaining("vault.yml") };
  await expect(read(whole, "wrong words")).rejects.toMatchObject(refused);
  await expect(read(whole, "wrong words")).rejects.toThrow(/^(?!.*wrong words)/);
  const last = whole.trimEnd().length - 2;
  await expect(
    read(`${whole.slice(0, last)}${whole[last] === "3" ? "4" : "3"}${whole.slice(last + 1)}`),
  ).rejects.toMatchObject(refused);
  await expect(read(whole.slice(0, 200))).rejects.toMatchObject(refused);
  await expect(read(whole.replace("AES256", "AES"))).rejects.toMatchObject(refused);
  await expect(read("just words")).rejects.toMatchObject(refused);
  await expect(read(fixture("vault-inline.yml"), "wrong words")).rejects.toMatchObject({
    ...refused,
    where: "vault.yml (anthropic_api_key)",
  });
});
