import { createHmac, timingSafeEqual } from "node:crypto";
import type { Secret } from "../../base/secret.ts";

/**
 * What agents write into texts on the forge for one another: JSON in a hidden comment, with an HMAC by the team's key over it, its kind, the
 * repository and the author's login. In another repository or under another name it does not verify, and what does not verify is only text.
 * The key may be of several lines while it is rotated: the first signs, any of them verifies.
 */
const form = /<!-- olympus:([a-z]+) ([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43}) -->/g;

export interface Place {
  readonly repo: string;
  /** Who wrote the text. */
  readonly login: string;
}

/** By each line of the key. */
function macs(key: Secret, kind: string, { repo, login }: Place, data: string): Buffer[] {
  const text = ["olympus-mark-1", kind, repo.toLowerCase(), login.toLowerCase(), data].join("\n");
  return (
    key
      .reveal()
      .split("\n")
      // An empty line would be a key that everybody knows.
      .filter(Boolean)
      .map((line) => createHmac("sha256", line).update(text).digest())
  );
}

const verifies = (key: Secret, kind: string, place: Place, data: string, given: string): boolean =>
  macs(key, kind, place, data).some((one) => timingSafeEqual(one, Buffer.from(given, "base64url")));

/** Whether there is a mark of any kind in a text that verifies. */
export function marksBy(key: Secret, place: Place, text: string): boolean {
  return [...text.matchAll(form)].some(([, kind, hidden, given]) => verifies(key, kind!, place, hidden!, given!));
}

/** A text with its mark. What stands in the text, a model's words among it, is no mark: one may have been copied from elsewhere. */
export function marked(text: string, key: Secret, kind: string, place: Place, data: object): string {
  const hidden = Buffer.from(JSON.stringify(data)).toString("base64url");
  const mark = `<!-- olympus:${kind} ${hidden}.${macs(key, kind, place, hidden)[0]!.toString("base64url")} -->`;
  return `${text.replace(/<!--(?=\s*olympus:)/g, "&lt;!--")}\n\n${mark}`;
}

/** The last mark of a kind that verifies: the harness's own stands at the end. */
export function markOf<T>(key: Secret, kind: string, place: Place, text: string): T | undefined {
  const [data] = [...text.matchAll(form)]
    .flatMap(([, found, hidden, given]) =>
      found === kind && verifies(key, kind, place, hidden!, given!) ? [hidden!] : [],
    )
    .slice(-1);
  return data === undefined ? undefined : (JSON.parse(Buffer.from(data, "base64url").toString("utf8")) as T);
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
