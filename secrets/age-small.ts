import {
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from "node:crypto";

/** What a raw X25519 key has before it in its standard wrapping. */
const pkcs8 = Buffer.from("302e020100300506032b656e04220420", "hex");
const spki = Buffer.from("302a300506032b656e032100", "hex");

interface Keys {
  readonly secret: KeyObject;
  readonly public: Buffer;
}

/**
 * Opens a small armored age file (one chunk, 64 KiB) for an X25519 identity with Node's own cryptography: every command opens the
 * secrets, and the whole library takes a tenth of a second to load and to compute. Undefined for whatever is not exactly
 * that, damaged or not for these identities: the library then says what it is.
 */
export function openSmallAge(armored: string, identities: readonly string[]): Buffer | undefined {
  const [, base64] =
    /^-----BEGIN AGE ENCRYPTED FILE-----\n([A-Za-z0-9+/=\n]+)-----END AGE ENCRYPTED FILE-----\n?$/.exec(armored) ?? [
      undefined,
      undefined,
    ];
  if (base64 === undefined) return undefined;
  const file = Buffer.from(base64, "base64");
  const [header, unsigned, stanzas, mac] =
    /^((age-encryption\.org\/v1\n((?:-> [!-~ ]+\n(?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{0,63}\n)+)---) ([A-Za-z0-9+/]{43})\n)/
      .exec(file.toString("latin1"))
      ?.slice(1) ?? [];
  if (header === undefined || unsigned === undefined || stanzas === undefined || mac === undefined) return undefined;
  for (const [, share, body] of stanzas.matchAll(/^-> X25519 ([A-Za-z0-9+/]{43})\n([A-Za-z0-9+/]{43})\n/gm)) {
    for (const identity of identities) {
      const fileKey = unwrap(identity, Buffer.from(share!, "base64"), Buffer.from(body!, "base64"));
      if (fileKey?.length !== 16) continue;
      const signature = createHmac("sha256", derive(fileKey, Buffer.alloc(0), "header", 32))
        .update(unsigned)
        .digest();
      // As text: other texts would decode to the same bytes.
      const expected = signature.toString("base64").slice(0, mac.length);
      if (!timingSafeEqual(Buffer.from(expected), Buffer.from(mac))) return undefined;
      const payload = file.subarray(header.length);
      if (payload.length < 32 || payload.length > 16 + 65_536 + 16) return undefined;
      // The only chunk is the first and the last.
      const nonce = Buffer.alloc(12);
      nonce[11] = 1;
      return unseal(derive(fileKey, payload.subarray(0, 16), "payload", 32), nonce, payload.subarray(16));
    }
  }
  return undefined;
}

function unwrap(identity: string, share: Buffer, body: Buffer): Buffer | undefined {
  const keys = keysOf(identity);
  if (keys === undefined || share.length !== 32) return undefined;
  let shared: Buffer;
  try {
    const publicKey = createPublicKey({ key: Buffer.concat([spki, share]), format: "der", type: "spki" });
    shared = diffieHellman({ privateKey: keys.secret, publicKey });
  } catch {
    // A share of low order: the library refuses it in its own words.
    return undefined;
  }
  const salt = Buffer.concat([share, keys.public]);
  return unseal(derive(shared, salt, "age-encryption.org/v1/X25519", 32), Buffer.alloc(12), body);
}

function derive(key: Buffer, salt: Buffer, info: string, length: number): Buffer {
  return Buffer.from(hkdfSync("sha256", key, salt, info, length));
}

function unseal(key: Buffer, nonce: Buffer, sealed: Buffer): Buffer | undefined {
  const decipher = createDecipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
  decipher.setAuthTag(sealed.subarray(-16));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  } catch {
    // Sealed for somebody else, or damaged.
    return undefined;
  }
}

function keysOf(identity: string): Keys | undefined {
  const raw = /^AGE-SECRET-KEY-1[0-9A-Z]{58}$/.test(identity) ? decodeBech32(identity.toLowerCase()) : undefined;
  if (raw === undefined) return undefined;
  const secret = createPrivateKey({ key: Buffer.concat([pkcs8, raw]), format: "der", type: "pkcs8" });
  const own = createPublicKey(secret).export({ format: "der", type: "spki" });
  return { secret, public: own.subarray(spki.length) };
}

const alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/** The 32 bytes of a Bech32 text (BIP 173) whose checksum is right. */
function decodeBech32(text: string): Buffer | undefined {
  const at = text.lastIndexOf("1");
  const prefix = [...text.slice(0, at)].map((letter) => letter.charCodeAt(0));
  const words = [...text.slice(at + 1)].map((letter) => alphabet.indexOf(letter));
  const checked = [...prefix.map((code) => code >> 5), 0, ...prefix.map((code) => code & 31), ...words];
  if (words.includes(-1) || checked.reduce(polymod, 1) !== 1) return undefined;
  const bits = words
    .slice(0, -6)
    .map((word) => word.toString(2).padStart(5, "0"))
    .join("");
  return Buffer.from(
    bits
      .slice(0, 256)
      .match(/.{8}/g)!
      .map((byte) => Number.parseInt(byte, 2)),
  );
}

const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

function polymod(sum: number, word: number): number {
  return generators.reduce(
    (next, generator, bit) => (((sum >>> 25) >> bit) & 1 ? next ^ generator : next),
    ((sum & 0x1ffffff) << 5) ^ word,
  );
}
