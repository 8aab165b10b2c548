import { generateX25519Identity, identityToRecipient } from "age-encryption";
import fc from "fast-check";
import { expect, test } from "vitest";
import { applyPlain, plainText } from "./plain.ts";
import { newSecrets } from "./store.ts";

const recipient = await identityToRecipient(await generateX25519Identity());
const storeWith = (values: Record<string, string>) => {
  const store = newSecrets("/nowhere", [recipient]);
  for (const [name, value] of Object.entries(values)) store.set(name, value);
  return store;
};

test("a text that nobody touched changes nothing, whatever the values are", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme", minLength: 1 }), { minLength: 1 }), (values) => {
      const store = storeWith(Object.fromEntries(values.map((value, at) => [`models.m${at}`, value])));
      expect(applyPlain(store, plainText(store))).toEqual({ set: [], forgotten: [] });
    }),
  );
});

test("what was changed, added and deleted, each as it is written", () => {
  const store = storeWith({ "models.a": "x", "models.b": "y", "models.c": "z" });
  expect(applyPlain(store, "models:\n  a: 007\n  c: z\n  d: |\n    two\n    lines\nteam: {e: true}\n")).toEqual({
    set: ["models.a", "models.d", "team.e"],
    forgotten: ["models.b"],
  });
  expect(store.all().map((secret) => [secret.name, secret.reveal()])).toEqual([
    ["models.a", "007"],
    ["models.c", "z"],
    ["models.d", "two\nlines\n"],
    ["team.e", "true"],
  ]);
});

test("what is no YAML is refused with its place and without its words", () => {
  const store = storeWith({ "models.a": "x" });
  expect(() => applyPlain(store, "models:\n  a: [secret-words\n")).toThrow(/in line \d+(?!.*secret-words)/s);
  expect(() => applyPlain(store, "secret-words")).toThrow(/^(?!.*secret-words)/s);
  expect(() => applyPlain(store, "models:\n  a:\n")).toThrow(/empty/);
});
