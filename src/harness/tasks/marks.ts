import { createHmac, timingSafeEqual } from "node:crypto";
import type { Secret } from "../../base/secret.ts";

/**
 * What agents write into texts on the forge for one another: JSON in a hidden comment, with an HMAC by the team's key over it, its kind, the
 * repository and the author's login. In another repository or under another name it does not verify, and what does not verify is only text.
 */
const form = /<!-- olympus:([a-z]+) ([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43}) -->/g;

export interface Place {
  readonly repo: string;
  /** Who wrote the text. */
  readonly login: string;
}

function mac(key: Secret, kind: string, { repo, login }: Place, data: string): Buffer {
  const text = ["olympus-mark-1", kind, repo.toLowerCase(), login.toLowerCase(), data].join("\n");
  return createHmac("sha256", key.reveal()).update(text).digest();
}

export function mark(key: Secret, kind: string, place: Place, data: object): string {
  const text = Buffer.from(JSON.stringify(data)).toString("base64url");
  return `<!-- olympus:${kind} ${text}.${mac(key, kind, place, text).toString("base64url")} -->`;
}

/** The first mark of a kind that verifies. */
export function markOf<T>(key: Secret, kind: string, place: Place, text: string): T | undefined {
  for (const [, found, data, given] of text.matchAll(form)) {
    if (found !== kind) continue;
    if (!timingSafeEqual(mac(key, kind, place, data!), Buffer.from(given!, "base64url"))) continue;
    return JSON.parse(Buffer.from(data!, "base64url").toString("utf8")) as T;
  }
  return undefined;
}

/** Where work began, carried in the bodies of issues and pull requests. */
export interface Origin {
  /** Everything that came of one request has the same. */
  readonly chain: string;
  readonly hops: number;
  readonly channelId: string;
  readonly rootId: string;
}

export const originMark = "origin";
