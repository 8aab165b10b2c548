import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";

/** One encrypted value of a SOPS file: AES-256-GCM with a 32-byte nonce and the value's place in the file as additional data. */
interface EncryptedValue {
  readonly data: Buffer;
  readonly iv: Buffer;
  readonly tag: Buffer;
  readonly type: string;
}

const shape = /^ENC\[AES256_GCM,data:([^,]*),iv:([^,]+),tag:([^,]+),type:([a-z]+)\]$/;

/** Whether a text looks like a value that SOPS encrypted. */
export function isEncrypted(text: string): boolean {
  return text.startsWith("ENC[AES256_GCM,");
}

/** The additional data that SOPS binds a value to: its keys joined and closed by colons. */
export function placeOf(path: readonly string[]): string {
  return `${path.join(":")}:`;
}

/** What SOPS noted that a value is (`str`, `int`, `bool` …); a text that is not encrypted yet is `str`. */
export function typeOf(text: string): string {
  return shape.exec(text)?.[4] ?? "str";
}

/** Encrypts a text. A fresh nonce each time, so equal values do not show as equal. */
export function sealValue(plain: string, key: Uint8Array, additional: string, type = "str"): string {
  const iv = randomBytes(32);
  const cipher = createCipheriv("aes-256-gcm", key, iv);
  cipher.setAAD(Buffer.from(additional));
  const data = Buffer.concat([cipher.update(plain, "utf8"), cipher.final()]);
  const parts = [data, iv, cipher.getAuthTag()].map((part) => part.toString("base64"));
  return `ENC[AES256_GCM,data:${parts[0]},iv:${parts[1]},tag:${parts[2]},type:${type}]`;
}

/** Decrypts what `sealValue` or SOPS made. Throws when the key, the place or a single bit is wrong. */
export function openValue(text: string, key: Uint8Array, additional: string): string {
  const { data, iv, tag } = parse(text);
  const decipher = createDecipheriv("aes-256-gcm", key, iv, { authTagLength: 16 });
  decipher.setAAD(Buffer.from(additional));
  decipher.setAuthTag(tag);
  return Buffer.concat([decipher.update(data), decipher.final()]).toString("utf8");
}

function parse(text: string): EncryptedValue {
  const found = shape.exec(text);
  if (found === null) throw new Error("not a value that SOPS encrypted");
  const [data, iv, tag] = found.slice(1, 4).map((part) => Buffer.from(part, "base64")) as [Buffer, Buffer, Buffer];
  return { data, iv, tag, type: found[4]! };
}

/** What SOPS begins with where only encrypted values are counted, so that neither kind of checksum passes for the other. */
const onlyEncrypted = createHash("sha256").update("sops").digest();

/** The checksum over all plain values in the order of the file, as SOPS writes it: SHA-512 in upper-case hex. */
export function checksumOf(values: readonly string[], encryptedOnly = false): string {
  const hash = createHash("sha512");
  if (encryptedOnly) hash.update(onlyEncrypted);
  for (const value of values) hash.update(value, "utf8");
  return hash.digest("hex").toUpperCase();
}
