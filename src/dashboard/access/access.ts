import { type Grant, grantOf, readGrants, type Scope } from "../../base/grants.ts";
import type { Secret } from "../../base/secret.ts";
import type { AgentConfig } from "../../harness/config.ts";
import { Lockout } from "./lockout.ts";
import { Sessions } from "./sessions.ts";

/** Who looks, as far as we know: what they may do, and in whose name. */
export interface Visitor {
  readonly scopes: readonly Scope[];
  /** A person of the team file. */
  readonly person: string | undefined;
  /** Of a browser that signed in. */
  readonly cookie: string | undefined;
  /** Whether this still holds: asked again while a stream goes on. */
  readonly still: () => boolean;
}

/**
 * Who gets in: bearers of a token, and browsers that signed in with one or with a link. What they may do comes from the token's line
 * and the person's rights in the team file, never from what they say of themselves.
 */
export class Access {
  readonly lockout = new Lockout();
  readonly sessions: Sessions;
  readonly #grants: readonly Grant[];
  readonly #people: AgentConfig["chat"]["people"];
  readonly #now: () => number;

  constructor(
    tokens: Secret,
    people: AgentConfig["chat"]["people"],
    sessionsFile: string | undefined,
    now: () => number,
  ) {
    this.#grants = readGrants(tokens.reveal(), tokens.name);
    this.#people = people;
    this.sessions = new Sessions(sessionsFile);
    this.#now = now;
  }

  isPerson(name: string): boolean {
    return this.#people.some((person) => person.name === name);
  }

  /** Whether the team file lets a person give tasks. Whom a gate waits for may open it without. */
  givesTasks(name: string | undefined): boolean {
    return this.#people.some((person) => person.name === name && person.command);
  }

  /** The grant of a token from an address, or why not. Wrong ones are counted. */
  grant(token: string, address: string): Grant | "wrong" | "locked" {
    const now = this.#now();
    if (this.lockout.waits(address, now) > 0) return "locked";
    const grant = grantOf(this.#grants, token, now);
    if (grant === undefined) {
      this.lockout.failed(address, now);
      return "wrong";
    }
    return grant;
  }

  bearer(token: string, address: string): Visitor | "wrong" | "locked" {
    const grant = this.grant(token, address);
    if (typeof grant === "string") return grant;
    // A token of somebody whom the team file does not name any more.
    if (grant.person !== undefined && !this.isPerson(grant.person)) return "wrong";
    const still = (): boolean => grant.until === undefined || this.#now() <= grant.until;
    return { scopes: this.#lasting(grant.scopes, grant.person), person: grant.person, cookie: undefined, still };
  }

  /** Of what a token gives, what a person's rights let stay. */
  #lasting(given: readonly Scope[], name: string | undefined): Scope[] {
    const may =
      name === undefined ||
      this.givesTasks(name) ||
      this.#people.some((person) => person.name === name && person.approve.length > 0);
    return given.filter((scope) => scope !== "act" || may);
  }

  browser(cookie: string | undefined): Visitor | undefined {
    const session = this.sessions.of(cookie, this.#grants, this.#now());
    if (session === undefined) return undefined;
    const { person: name } = session;
    if (name !== undefined && !this.isPerson(name)) return undefined;
    // Nobody in particular does nothing.
    const scopes =
      name === undefined ? session.scopes.filter((scope) => scope !== "act") : this.#lasting(session.scopes, name);
    const still = (): boolean => this.sessions.of(cookie, this.#grants, this.#now()) !== undefined;
    return { scopes, person: name, cookie, still };
  }

  /** A code that signs a person in once. Undefined for a name that the team file does not have. */
  link(token: string, person: string): string | undefined {
    const now = this.#now();
    const grant = grantOf(this.#grants, token, now);
    if (grant === undefined || !this.isPerson(person) || (grant.person ?? person) !== person) return undefined;
    const scopes = grant.scopes.filter((scope) => scope !== "admin");
    return this.sessions.link(grant, person, scopes, now);
  }

  /** Gives the cookie's value, or says why not. */
  signInByCode(code: string, address: string): { cookie: string } | { wrong: string } {
    const now = this.#now();
    if (this.lockout.waits(address, now) > 0) return { wrong: lockedWords };
    const cookie = this.sessions.redeem(code, now);
    if (cookie === undefined) {
      this.lockout.failed(address, now);
      return { wrong: "This code was used already, or it is older than two minutes." };
    }
    return { cookie };
  }

  signInByToken(token: string, person: string | undefined, address: string): { cookie: string } | { wrong: string } {
    const grant = this.grant(token, address);
    if (typeof grant === "string") return { wrong: grant === "locked" ? lockedWords : "This is not the token." };
    const name = grant.person ?? person;
    if (person !== undefined && person !== name) return { wrong: `This token is ${name}'s own.` };
    if (name !== undefined && !this.isPerson(name)) return { wrong: "The team file has no person of this name." };
    const scopes = grant.scopes.filter((scope) => scope !== "admin");
    return { cookie: this.sessions.begin(grant, name, scopes, this.#now()) };
  }
}

export const lockedWords = "Too many wrong tokens came from your address. Wait a few minutes.";
