import { armor, Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openSmallAge } from "./age-small.ts";

async function seal(content: Uint8Array, recipients: readonly string[]): Promise<string> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return armor.encode(await encrypter.encrypt(content));
}

const identities = await Promise.all([0, 1, 2].map(() => generateX25519Identity()));
const recipients = await Promise.all(identities.map((identity) => identityToRecipient(identity)));

test("opens what the library seals, for any of its recipients and no other", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(0, 1), async (content, mine) => {
      const file = await seal(content, recipients.slice(0, 2));
      expect(openSmallAge(file, [identities[2]!, identities[mine]!])).toEqual(Buffer.from(content));
      expect(openSmallAge(file, [identities[2]!])).toBeUndefined();
    }),
    { numRuns: 30 },
  );
});

test("a file with any byte changed, or cut off, is left to the library", async () => {
  const file = await seal(Buffer.from("a data key of thirty-two bytes!!"), [recipients[0]!]);
  const lines = file.split("\n");
  const bytes = Buffer.from(lines.slice(1, -2).join(""), "base64");
  const asFile = (content: Buffer): string =>
    ["-----BEGIN AGE ENCRYPTED FILE-----", content.toString("base64"), "-----END AGE ENCRYPTED FILE-----", ""].join(
      "\n",
    );
  expect(openSmallAge(asFile(bytes), [identities[0]!])?.toString()).toBe("a data key of thirty-two bytes!!");
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes);
    changed[at] = changed[at]! ^ 1;
    expect(openSmallAge(asFile(changed), [identities[0]!])).toBeUndefined();
    expect(openSmallAge(asFile(bytes.subarray(0, at)), [identities[0]!])).toBeUndefined();
  }
});

test("a checksum written in another way is left to the library", async () => {
  const file = await seal(Buffer.from("key"), [recipients[0]!]);
  const bytes = Buffer.from(file.split("\n").slice(1, -2).join(""), "base64");
  const end = bytes.indexOf("\n", bytes.indexOf("--- ")) - 1;
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  // The last of 43 letters has two bits that say nothing.
  bytes[end] = alphabet.charCodeAt(alphabet.indexOf(String.fromCharCode(bytes[end]!)) ^ 1);
  const begin = "-----BEGIN AGE ENCRYPTED FILE-----";
  expect(
    openSmallAge(`${begin}\n${bytes.toString("base64")}\n-----END AGE ENCRYPTED FILE-----\n`, identities),
  ).toBeUndefined();
});

test("other identities, and words that are none, are left to the library", async () => {
  const file = await seal(Buffer.from("key"), [recipients[0]!]);
  const typo = identities[0]!.replace(/.$/, (last) => (last === "Q" ? "P" : "Q"));
  for (const identity of [typo, identities[0]!.toLowerCase(), "AGE-SECRET-KEY-PQ-1QQQ", "AGE-SECRET-KEY-1", ""]) {
    expect(openSmallAge(file, [identity])).toBeUndefined();
  }
  expect(openSmallAge(await seal(Buffer.alloc(70_000), [recipients[0]!]), [identities[0]!])).toBeUndefined();
  expect(openSmallAge("no age file", [identities[0]!])).toBeUndefined();
});
