import { createHash, timingSafeEqual } from "node:crypto";

/** A public host key as pinned: `ssh-ed25519 AAAA…`. */
export interface PinnedKey {
  readonly type: string;
  readonly blob: Buffer;
}

/** Takes type and base64 apart; a comment after them is ignored. */
export function parseHostKey(line: string): PinnedKey {
  const [type = "", base64 = ""] = line.trim().split(/\s+/);
  return { type, blob: Buffer.from(base64, "base64") };
}

/** `SHA256:…` as `ssh-keygen -l` prints it. */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** Whether the server's key is the pinned one. */
export function sameKey(pinned: PinnedKey, offered: Buffer): boolean {
  return pinned.blob.length === offered.length && timingSafeEqual(pinned.blob, offered);
}

/** Signature algorithms that a server with this type of key may use; naming only these makes it show the key that is pinned. */
export function hostKeyAlgorithms(type: string): string[] {
  return type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type];
}
