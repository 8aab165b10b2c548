import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { checksumOf, openValue, placeOf, sealValue } from "./cipher.ts";

// A value that SOPS itself encrypted: from the tests of its package aes.
const theirs =
  "ENC[AES256_GCM,data:oYyi,iv:MyIDYbT718JRr11QtBkcj3Dwm4k1aCGZBVeZf0EyV8o=,tag:t5z2Z023Up0kxwCgw1gNxg==,type:str]";
const theirKey = Buffer.from("f".repeat(32));

test("a value that SOPS encrypted is opened, at its own place only", () => {
  expect(openValue(theirs, theirKey, placeOf(["bar"]))).toBe("foo");
  expect(() => openValue(theirs, theirKey, placeOf(["foo"]))).toThrow();
  expect(() => openValue(theirs, Buffer.from("g".repeat(32)), placeOf(["bar"]))).toThrow();
});

test("a tag that was cut short is refused", () => {
  expect(() => openValue(theirs.replace("t5z2Z023Up0kxwCgw1gNxg==", "t5z2Zw=="), theirKey, "bar:")).toThrow();
});

test("any text comes back, and equal texts do not look equal", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.array(fc.string(), { minLength: 1 }), (text, path) => {
      const key = randomBytes(32);
      const sealed = sealValue(text, key, placeOf(path));
      expect(openValue(sealed, key, placeOf(path))).toBe(text);
      expect(sealValue(text, key, placeOf(path))).not.toBe(sealed);
    }),
  );
});

test("the checksum is SHA-512 over the values, in capitals", () => {
  expect(checksumOf(["ab", "c"])).toBe(checksumOf(["abc"]));
  expect(checksumOf(["abc"])).toMatch(/^DDAF35A193617ABACC417349AE204131/);
});
