import { generateKeyPairSync, randomBytes } from "node:crypto";

/** A key pair as the two files that OpenSSH would write. */
export interface SshKeyPair {
  /** PEM block of an unencrypted `OPENSSH PRIVATE KEY`, ending in a newline. */
  readonly private: string;
  /** `ssh-ed25519 AAAA… comment`, without a newline. */
  readonly public: string;
}

/** Makes an ed25519 key pair in this process: no ssh-keygen, no file. */
export function generateSshKeyPair(comment: string): SshKeyPair {
  const { privateKey } = generateKeyPairSync("ed25519");
  const { d, x } = privateKey.export({ format: "jwk" });
  const publicBytes = Buffer.from(x!, "base64url");
  const blob = Buffer.concat([field("ssh-ed25519"), field(publicBytes)]);
  const check = randomBytes(4);
  const inner = Buffer.concat([
    check,
    check,
    blob,
    field(Buffer.concat([Buffer.from(d!, "base64url"), publicBytes])),
    field(comment),
  ]);
  // The private part is padded with 1, 2, 3, … to the cipher's block, which is 8 without a cipher.
  const padding = Buffer.from(Array.from({ length: (8 - (inner.length % 8)) % 8 }, (_, index) => index + 1));
  const whole = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    field("none"),
    field("none"),
    field(""),
    Buffer.from([0, 0, 0, 1]),
    field(blob),
    field(Buffer.concat([inner, padding])),
  ]);
  const lines = whole.toString("base64").match(/.{1,70}/g)!;
  return {
    private: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join("\n")}\n-----END OPENSSH PRIVATE KEY-----\n`,
    public: `ssh-ed25519 ${blob.toString("base64")} ${comment}`,
  };
}

/** A string of the SSH wire format: its length in four bytes, then its bytes. */
function field(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
