import { createHash, timingSafeEqual } from "node:crypto";
import { OlympusError } from "./errors.ts";

/** `read`: see everything. `act`: forget, and whatever else changes work. `admin`: make links that others sign in with. */
export const scopes = ["read", "act", "admin"] as const;
export type Scope = (typeof scopes)[number];

/** What one token lets its bearer do. The token itself is known to nobody here. */
export interface Grant {
  /** SHA-256 of the token, hexadecimal: what names it. */
  readonly hash: string;
  readonly scopes: readonly Scope[];
  /** When it ends, ms; never when undefined. */
  readonly until: number | undefined;
  /** The one person of the team file in whose name it is used; its bearer names whom they like when undefined. */
  readonly person?: string | undefined;
}

/** A token as it stands in the agent's file: `sha256:<hex> read,act 2027-01-31 @mara`. The day is the last that it is good for, by UTC. */
export function grantLine(token: string, given: readonly Scope[], lastDay?: string, person?: string): string {
  return [
    `sha256:${sha256(token)}`,
    given.join(","),
    ...(lastDay === undefined ? [] : [lastDay]),
    ...(person === undefined ? [] : [`@${person}`]),
  ].join(" ");
}

/**
 * What a file of tokens says, one a line as `grantLine` writes it. One that names a hash and is not understood beyond it gives nothing:
 * never more than was meant. Throws E-AGENT-SECRET for any other line, a comment too, with its number and not its words: it may be a
 * token, and somebody counts on it. `name`: of the file.
 */
export function readGrants(file: string, name: string): Grant[] {
  return file.split("\n").flatMap((line, index): Grant[] => {
    const text = line.trim();
    if (text === "") return [];
    if (!text.startsWith("sha256:")) throw noGrant(`${name}:${index + 1}`);
    const found = /^sha256:([0-9a-f]{64}) ([a-z,]+)(?: (\d{4}-\d{2}-\d{2}))?(?: @(\S+))?$/.exec(text);
    if (found === null) return [];
    const until = found[3] === undefined ? undefined : Date.parse(`${found[3]}T23:59:59.999Z`);
    if (Number.isNaN(until)) return [];
    const named = found[2]!.split(",");
    return [{ hash: found[1]!, scopes: scopes.filter((scope) => named.includes(scope)), until, person: found[4] }];
  });
}

function noGrant(where: string): OlympusError {
  return new OlympusError("a line of the dashboard's tokens does not begin with sha256:", {
    code: "E-AGENT-SECRET",
    where,
    hint: "npm run role -- setup agent --host <agent>  writes the file anew; npx olympus tokens gives further ones",
  });
}

/** The grant of a token, while it lasts. Every one is compared: the time tells nothing. */
export function grantOf(grants: readonly Grant[], token: string, now: number): Grant | undefined {
  const given = Buffer.from(sha256(token), "hex");
  const fitting = grants.filter(({ hash }) => timingSafeEqual(given, Buffer.from(hash, "hex")));
  return fitting.find(({ until }) => until === undefined || now <= until);
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
