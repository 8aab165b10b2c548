import { generateX25519Identity, identityToRecipient } from "age-encryption";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { emptySops, readSops, type SopsFile, writeSops } from "./sops.ts";

let identity = "";
let recipient = "";
let other = "";

beforeAll(async () => {
  identity = await generateX25519Identity();
  recipient = await identityToRecipient(identity);
  other = await identityToRecipient(await generateX25519Identity());
});

const read = (text: string): Promise<SopsFile> => readSops(text, [identity], "file");
const plain = (file: SopsFile): Record<string, string> => Object.fromEntries(file.values);

/** Names whose parts are never both a value and a parent of values. */
const name = fc
  .tuple(fc.constantFrom("a", "b_", "c-1"), fc.constantFrom("x", "y", "2"), fc.constantFrom("m", "n", "0"))
  .map((parts) => parts.join("."));
/** Any text that a person, a generator or an attacker might give, also what YAML and SOPS give a meaning to. */
const value = fc.oneof(
  fc.string({ unit: "binary", minLength: 1 }),
  fc.string({ unit: "grapheme", minLength: 1 }),
  fc.constantFrom("true", "null", "~", "007", "1e3", "- x", "a: b", "# c", " ", "\n", "\r\n", "two\nlines\n", "|", "'"),
  fc.constantFrom("ENC[", "ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]", "sops", "---", "%YAML", "\ufeff", "\u2028"),
);
const changes = fc.array(fc.tuple(name, fc.option(value, { nil: undefined })), { maxLength: 6 });
/** What somebody does between two saves, and whether they let somebody in or take them away. */
const session = fc.record({ changes, shared: fc.boolean() });

test("whatever is set, forgotten and shared, in any order: the file holds what a plain map would", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(session, { minLength: 1, maxLength: 5 }), async (sessions) => {
      const model = new Map<string, string>();
      let file = emptySops();
      for (const { changes, shared } of sessions) {
        for (const [key, wanted] of changes) wanted === undefined ? model.delete(key) : model.set(key, wanted);
        const text = await writeSops(file, new Map(changes), shared ? [recipient, other] : [recipient]);
        for (const secret of model.values()) if (secret.length > 12) expect(text).not.toContain(secret);
        file = await read(text);
        expect(plain(file)).toEqual(Object.fromEntries(model));
        expect(file.entries.map((one) => one.recipient)).toEqual(shared ? [recipient, other] : [recipient]);
      }
    }),
    { numRuns: 60 },
  );
});

test("one character changed anywhere: refused, or nothing of what counts has changed", async () => {
  const changes = new Map([
    ["a.x", "one"],
    ["a.y", "two"],
    ["b", "three\nlines\n"],
  ]);
  const text = await writeSops(emptySops(), changes, [recipient, other]);
  const expected = Object.fromEntries(changes);
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: text.length - 1 }), fc.constantFrom(..."aZ09+/= \n:-#'"), async (at, put) => {
      const damaged = `${text.slice(0, at)}${put}${text.slice(at + 1)}`;
      let file: SopsFile;
      try {
        file = await read(damaged);
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^E-SECRETS-/), exit: 1 });
        return;
      }
      // Spaces, the version, another recipient's own part are not bound to the values; nor, in SOPS's format, is a place in a list.
      const names = [...file.values].map(([key, secret]) => [key.replaceAll(/\.\d+/g, ""), secret]);
      expect(Object.fromEntries(names)).toEqual(expected);
    }),
    { numRuns: 400 },
  );
});

test("cut off anywhere: refused, or only white space is missing", async () => {
  const text = await writeSops(emptySops(), new Map([["a.x", "one"]]), [recipient]);
  for (let length = 0; length < text.length; length += 7) {
    const file = await read(text.slice(0, length)).catch((error: unknown) => error);
    if (file instanceof Error) expect(file).toMatchObject({ code: expect.stringMatching(/^E-SECRETS-/) });
    else expect(plain(file as SopsFile)).toEqual({ "a.x": "one" });
  }
});
