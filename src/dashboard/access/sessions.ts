import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import * as z from "zod";
import { type Grant, type Scope, scopes, sha256 } from "../../base/grants.ts";

/** How long somebody stays signed in, and how long a link can be used, ms. */
const sessionMs = 12 * 3600 * 1000;
const linkMs = 2 * 60 * 1000;
const mostSessions = 100;
const mostLinks = 20;

const sessionSchema = z.strictObject({
  /** Of the token that it was begun with: it ends with that token. */
  grant: z.string(),
  person: z.string().optional(),
  scopes: z.array(z.enum(scopes)),
  until: z.number(),
});

/** Somebody who is signed in: a person of the team file, or nobody in particular. */
export type Session = z.infer<typeof sessionSchema>;

/**
 * Browsers that signed in, and links that they can do so with, once each. Sessions are kept, by the hash of their cookie, in a file of
 * the agent's, so that a restart signs nobody out; links are not.
 */
export class Sessions {
  readonly #file: string | undefined;
  readonly #sessions: Map<string, Session>;
  readonly #links = new Map<string, Session>();

  constructor(file: string | undefined) {
    this.#file = file;
    this.#sessions = new Map(file === undefined ? [] : readKept(file));
  }

  /** Signs somebody in; gives the value of the cookie. */
  begin(grant: Grant, person: string | undefined, given: readonly Scope[], now: number): string {
    return this.#keep({
      grant: grant.hash,
      ...(person === undefined ? {} : { person }),
      scopes: [...given],
      until: now + sessionMs,
    });
  }

  /** A code that signs in once, within two minutes, in the name of a person. */
  link(grant: Grant, person: string, given: readonly Scope[], now: number): string {
    for (const [hash, { until }] of this.#links) if (until < now) this.#links.delete(hash);
    if (this.#links.size >= mostLinks) this.#links.delete(this.#links.keys().next().value!);
    const code = randomBytes(24).toString("base64url");
    this.#links.set(sha256(code), { grant: grant.hash, person, scopes: [...given], until: now + linkMs });
    return code;
  }

  /** Signs in by a link's code; undefined when there is none, it was used, or is too old. */
  redeem(code: string, now: number): string | undefined {
    const hash = sha256(code);
    const link = this.#links.get(hash);
    this.#links.delete(hash);
    return link === undefined || link.until < now ? undefined : this.#keep({ ...link, until: now + sessionMs });
  }

  /** The session of a cookie, while it and the token that it was begun with last. */
  of(cookie: string | undefined, grants: readonly Grant[], now: number): Session | undefined {
    const session = cookie === undefined ? undefined : this.#sessions.get(sha256(cookie));
    if (session === undefined || session.until < now) return undefined;
    const grant = grants.find(({ hash }) => hash === session.grant);
    return grant === undefined || (grant.until !== undefined && now > grant.until) ? undefined : session;
  }

  end(cookie: string | undefined): void {
    if (cookie !== undefined && this.#sessions.delete(sha256(cookie))) this.#save();
  }

  #keep(session: Session): string {
    const cookie = randomBytes(24).toString("base64url");
    const now = session.until - sessionMs;
    for (const [hash, { until }] of this.#sessions) if (until < now) this.#sessions.delete(hash);
    if (this.#sessions.size >= mostSessions) this.#sessions.delete(this.#sessions.keys().next().value!);
    this.#sessions.set(sha256(cookie), session);
    this.#save();
    return cookie;
  }

  /** Whole or not at all. A disk that is full costs signing in again after a restart, nothing else. */
  #save(): void {
    if (this.#file === undefined) return;
    try {
      writeFileSync(`${this.#file}.new`, JSON.stringify([...this.#sessions]), { mode: 0o600 });
      renameSync(`${this.#file}.new`, this.#file);
    } catch (error) {
      if (!["ENOSPC", "EROFS", "EDQUOT"].includes(String((error as NodeJS.ErrnoException).code))) throw error;
    }
  }
}

/** What a former process kept; nothing where the file is not what it should be. */
function readKept(file: string): [string, Session][] {
  try {
    return z.array(z.tuple([z.string(), sessionSchema])).parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== undefined && code !== "ENOENT") throw error;
    return [];
  }
}
