import { execFileSync } from "node:child_process";
import { format, inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { maskSecrets, Secret } from "./secret.ts";
import { formsOf } from "./secret-forms.ts";

const value = "p+/ä'<ss>\"w\\rd 1?";
const secret = new Secret("models.anthropic", value);
const shown = "[secret:models.anthropic]";

test("a secret shows its name, whoever prints it", () => {
  const all = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }),
    format("%s %o", secret, secret),
  ];
  for (const text of all) {
    expect(text).toContain(shown);
    expect(text).not.toContain(value);
  }
  expect(Object.keys(secret)).toEqual(["name"]);
  expect(() => {
    throw new Error(`refused ${secret}`);
  }).toThrow("refused [secret:models.anthropic]");
});

describe("#47 a secret in a program's output is masked", () => {
  const bytes = Buffer.from(value);
  const strict = encodeURIComponent(value).replaceAll("'", "%27");
  it.each<[string, string]>([
    ["as it is", value],
    ["in base64", bytes.toString("base64")],
    ["in base64 for addresses", bytes.toString("base64url")],
    ["encoded for an address", encodeURIComponent(value)],
    ["encoded strictly, in small letters", strict.replaceAll(/%../g, (code) => code.toLowerCase())],
    ["in hexadecimal", bytes.toString("hex")],
    ["in hexadecimal, in capitals", bytes.toString("hex").toUpperCase()],
    ["backwards", [...value].reverse().join("")],
    ["as a form", new URLSearchParams({ value }).toString()],
    ["as JSON", JSON.stringify(value)],
    ["as JSON of Go", JSON.stringify(value).replaceAll("<", "\\u003c").replaceAll(">", "\\u003e")],
    ["as JSON of Python", JSON.stringify(value).replaceAll("ä", "\\u00e4")],
    ["quoted for a shell", `'${value.replaceAll("'", "'\\''")}'`],
  ])("%s", (_, form) => {
    expect(maskSecrets(`before ${form} after`, [secret])).toMatch(/^before .*\[secret:models\.anthropic\].* after$/);
    expect(maskSecrets(form, [secret])).not.toContain(form);
  });

  it("as real programs encode it", () => {
    const key = new Secret(
      "key",
      `-----BEGIN KEY-----\n${"abcdefghij".repeat(7)}\n${"0123456789".repeat(7)}\n-----END KEY-----\n`,
    );
    const wrapped = execFileSync("base64", { input: key.reveal(), encoding: "utf8" });
    const left = maskSecrets(wrapped, [key]);
    // Of each line that is full nothing is left; the last one, shorter, is only the end of a frame.
    expect(left.split("\n")[0]).toBe("[secret:key]");
    expect(left.split("\n")[1]).toBe("[secret:key]");
    const basic = Buffer.from(`mattermost:${key.reveal()}`).toString("base64");
    expect(maskSecrets(`authorization: Basic ${basic}`, [key])).toContain("[secret:key]");
  });
});

const word = fc.string({ unit: "grapheme", minLength: 6, maxLength: 60 }).filter((text) => text.trim().length >= 6);

test("#47 whatever the secret and whatever stands around it, in each encoding", () => {
  fc.assert(
    fc.property(word, fc.string(), fc.string(), (plain, before, after) => {
      const one = new Secret("x", plain);
      const encodings: ((text: string) => string)[] = [
        (text) => text,
        (text) => JSON.stringify(text),
        (text) => encodeURIComponent(text),
        (text) => new URLSearchParams({ text }).toString(),
        (text) => Buffer.from(text).toString("base64"),
        (text) => Buffer.from(text).toString("base64url"),
        (text) => JSON.stringify({ inner: JSON.stringify(text).length, text }),
      ];
      for (const encode of encodings) {
        expect(maskSecrets(encode(`${before}${plain}${after}`), [one])).toContain("[secret:x]");
      }
    }),
  );
});

test("several secrets, one within another: the longer one is named, nothing of either is left", () => {
  const url = new Secret("url", "postgres://mattermost:word-1234@host/db");
  const password = new Secret("password", "word-1234");
  expect(maskSecrets(`dial ${url.reveal()} failed`, [url, password])).toBe("dial [secret:url] failed");
  expect(maskSecrets(`dial ${url.reveal()} failed`, [password, url])).not.toContain("word-1234");
});

test("a value is encoded once, however many lines are masked", () => {
  expect(formsOf(value)).toBe(formsOf(value));
});

test("short values are left: text would be mangled", () => {
  expect(maskSecrets("a is a letter", [new Secret("x", "a")])).toBe("a is a letter");
});
