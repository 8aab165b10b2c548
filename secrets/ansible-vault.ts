import { createDecipheriv, createHmac, pbkdf2 as pbkdf2Callback, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Scalar } from "yaml";
import { exitCodes, OlympusError } from "../src/base/errors.ts";

const pbkdf2 = promisify(pbkdf2Callback);

/** `$ANSIBLE_VAULT;1.1;AES256`, or 1.2 with a label behind it. */
const header = /^\$ANSIBLE_VAULT;1\.[12];AES256(;[^\n]*)?$/;

/**
 * The values of an ansible-vault file by dotted name, in its order: a file that is encrypted as a whole, or YAML with `!vault` values.
 * Values that are not encrypted are left out of the latter. Throws E-VAULT: not such a file, wrong password, changed.
 */
export async function readAnsibleVault(text: string, password: string, where: string): Promise<Map<string, string>> {
  const whole = text.startsWith("$ANSIBLE_VAULT;");
  const plain = whole ? await decryptVault(text, password, where) : text;
  const document = parseDocument(plain, {
    lineCounter: new LineCounter(),
    customTags: [{ tag: "!vault", resolve: (value: string) => value }],
  });
  if (document.errors.length > 0 || !isMap(document.contents)) {
    throw failure(where, whole ? "what the vault holds is no YAML map" : "it is neither a vault nor a YAML map");
  }
  const values = new Map<string, string>();
  const walk = async (node: unknown, name: readonly string[]): Promise<void> => {
    if (isMap(node)) {
      for (const { key, value } of node.items) await walk(value, [...name, String(isScalar(key) ? key.value : key)]);
    } else if (isSeq(node)) {
      for (const [at, item] of node.items.entries()) await walk(item, [...name, String(at)]);
    } else if (isScalar(node)) {
      const value = await plainOf(node, name.join("."));
      if (value !== undefined) values.set(name.join("."), value);
    }
  };
  const plainOf = async (node: Scalar, name: string): Promise<string | undefined> => {
    if (node.tag === "!vault") return decryptVault(String(node.value), password, `${where} (${name})`);
    // As written: 007 and 1e3 are texts where they are passwords.
    return whole && node.value !== null ? String(typeof node.value === "string" ? node.value : node.source) : undefined;
  };
  await walk(document.contents, []);
  return values;
}

/**
 * Opens one vault: hex of (hex of salt, of an HMAC-SHA256, of the cipher text), AES-256-CTR with PKCS#7 padding, keys by PBKDF2 with
 * 10,000 rounds. Throws E-VAULT.
 */
export async function decryptVault(vault: string, password: string, where: string): Promise<string> {
  const [first = "", ...rest] = vault.trim().split(/\r?\n/);
  const body = rest.map((line) => line.trim()).join("");
  if (!header.test(first.trim()) || !/^([0-9a-f]{2})+$/.test(body)) {
    throw failure(where, "it is not a vault of format 1.1 or 1.2 with AES256");
  }
  const parts = Buffer.from(body, "hex").toString("latin1").split("\n");
  const [salt, tag, sealed] = parts.map((part) => Buffer.from(part, "hex")) as [Buffer, Buffer?, Buffer?];
  if (parts.length !== 3 || tag?.length !== 32 || sealed === undefined) throw failure(where, "the vault is cut off");
  const keys = await pbkdf2(password, salt, 10_000, 80, "sha256");
  const expected = createHmac("sha256", keys.subarray(32, 64)).update(sealed).digest();
  if (!timingSafeEqual(expected, tag)) throw failure(where, "the password is wrong, or the vault was changed");
  const decipher = createDecipheriv("aes-256-ctr", keys.subarray(0, 32), keys.subarray(64, 80));
  const padded = Buffer.concat([decipher.update(sealed), decipher.final()]);
  return padded.subarray(0, padded.length - (padded.at(-1) ?? 0)).toString("utf8");
}

function failure(where: string, problem: string): OlympusError {
  return new OlympusError(`the vault cannot be read: ${problem}`, {
    code: "E-VAULT",
    exit: exitCodes.usage,
    where,
    hint: "`ansible-vault view FILE` shows whether file and password belong together.",
  });
}
