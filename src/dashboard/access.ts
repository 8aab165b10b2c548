import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Secret } from "../base/secret.ts";

const sessionMs = 12 * 3600 * 1000;
const mostSessions = 100;

/**
 * Who gets in: bearers of a token, and browsers that logged in with it. Sessions end with the process. There is one token, and a second
 * one on a line of its own while the first replaces it.
 */
export class Access {
  readonly #tokens: readonly Buffer[];
  readonly #sessions = new Map<string, number>();

  constructor(token: Secret) {
    const lines = token.reveal().split("\n");
    this.#tokens = lines.filter((line) => line !== "").map(hash);
  }

  isToken(candidate: string): boolean {
    const given = hash(candidate);
    // Every one is compared: the time tells nothing.
    return this.#tokens.map((token) => timingSafeEqual(given, token)).includes(true);
  }

  /** A new session's id, for a cookie. */
  begin(now: number): string {
    if (this.#sessions.size >= mostSessions) this.#sessions.delete(this.#sessions.keys().next().value!);
    const id = randomBytes(24).toString("base64url");
    this.#sessions.set(id, now + sessionMs);
    return id;
  }

  isSession(id: string | undefined, now: number): boolean {
    return id !== undefined && (this.#sessions.get(id) ?? 0) > now;
  }

  end(id: string | undefined): void {
    if (id !== undefined) this.#sessions.delete(id);
  }
}

/** Hashed so that both sides have one length, whatever was sent. */
function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
