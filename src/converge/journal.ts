import { createHash } from "node:crypto";
import { exitCodes, OlympusError } from "../base/errors.ts";
import type { JournalEntry } from "./change.ts";
import { claimsNow, entriesNow } from "./journal-past.ts";
import { journalVersion } from "./places.ts";

/** What a role stands for on a host, as kept there in one line of JSON. */
export interface Claims {
  readonly v: number;
  readonly role: string;
  readonly hash: string;
  readonly claims: readonly string[];
}

export function claimsOf(role: string, resources: readonly string[]): Claims {
  const claims = [...new Set(resources)].sort();
  return { v: journalVersion, role, hash: createHash("sha256").update(claims.join("\n")).digest("hex"), claims };
}

/** The journal by its lines; see `readLines`. */
export function readJournal(lines: readonly string[], where: string): JournalEntry[] {
  return entriesNow(readLines<JournalEntry>(lines, where));
}

/** Claims by their lines; see `readLines`. */
export function readClaims(lines: readonly string[], where: string): Claims[] {
  return readLines<Claims>(lines, where).map((one) => ({ ...one, claims: claimsNow(one.claims) }));
}

/**
 * Reads lines of the journal or of claims. A last line cut off by a crash is left out: what it speaks of had not begun.
 * Throws E-ROLE-JOURNAL for lines of a newer format.
 */
function readLines<T extends { readonly v: number }>(lines: readonly string[], where: string): T[] {
  return lines.flatMap((line) => {
    const entry = tryParse(line) as T | undefined;
    if (entry === undefined) return [];
    if (entry.v > journalVersion) throw newerError(entry.v, where);
    return [migrate(entry)];
  });
}

/** Refuses a host that a newer Olympus has worked on: what it wrote cannot be undone, or added to, by this one. */
export function refuseNewer(format: number, where: string): void {
  if (format > journalVersion) throw newerError(format, where);
}

function newerError(format: number, where: string): OlympusError {
  return new OlympusError(`${where}: the journal is of a newer format (${format}, known ${journalVersion}).`, {
    code: "E-ROLE-JOURNAL",
    exit: exitCodes.failed,
    where,
    hint: "Update Olympus, then run the same command again.",
  });
}

/** One step a version: 2 added the run that wrote an entry, and kinds of undoing that 1 did not know. */
const migrations: Record<number, (entry: object) => object> = {
  1: (entry) => ({ run: "", ...entry, v: 2 }),
};

function migrate<T extends { readonly v: number }>(entry: T): T {
  let now = entry;
  while (now.v < journalVersion) now = migrations[now.v]!(now) as T;
  return now;
}

function tryParse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** What undoing some of the journal means for it. */
export interface ResetPlan {
  /** To be undone, newest first. */
  readonly undo: readonly JournalEntry[];
  /** Data that stays; its entries stay too, so that a later purge finds it. */
  readonly keep: readonly JournalEntry[];
  /** What the journal holds afterwards. */
  readonly rest: readonly JournalEntry[];
  /** Packages that another role still stands for. */
  readonly keepPackages: readonly string[];
}
