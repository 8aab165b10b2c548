import { createHash } from "node:crypto";
import { exitCodes, OlympusError } from "../base/errors.ts";
import type { JournalEntry } from "./change.ts";
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

/**
 * Reads lines of the journal or of claims. A last line cut off by a crash is left out: what it speaks of had not begun.
 * Throws E-ROLE-JOURNAL for lines of a newer format.
 */
export function readLines<T extends { readonly v: number }>(lines: readonly string[], where: string): T[] {
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

/** The oldest entry of each resource and role, in order: it says what stood there before. */
export function oldestEntries(entries: readonly JournalEntry[]): JournalEntry[] {
  const seen = new Set<string>();
  return entries.filter(({ role, resource }) => {
    const key = `${role} ${resource}`;
    return seen.has(key) ? false : seen.add(key);
  });
}

/** What resetting some roles means for the journal. */
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

/**
 * Sorts the journal for a reset of `roles`: things that another role claims too pass to that role, data stays unless
 * its name is in `purge`, the rest is undone.
 */
export function planReset(
  entries: readonly JournalEntry[],
  claims: readonly Claims[],
  roles: readonly string[],
  purge: readonly string[],
): ResetPlan {
  const others = claims.filter(({ role }) => !roles.includes(role));
  const heir = (resource: string): string | undefined => others.find((one) => one.claims.includes(resource))?.role;
  const undo: JournalEntry[] = [];
  const keep: JournalEntry[] = [];
  const rest: JournalEntry[] = [];
  for (const entry of oldestEntries(entries)) {
    const next = heir(entry.resource);
    if (!roles.includes(entry.role)) rest.push(entry);
    else if (next !== undefined) rest.push({ ...entry, role: next });
    else if (entry.data !== undefined && !purge.includes(entry.data)) {
      keep.push(entry);
      rest.push(entry);
    } else undo.push(entry);
  }
  const keepPackages = others.flatMap((one) =>
    one.claims.filter((claim) => claim.startsWith("package:")).map((claim) => claim.slice("package:".length)),
  );
  // Packages that would delete data are only removed; with all of the role's data purged, nothing speaks for the rest of them.
  const whole = (role: string): boolean => purge.length > 0 && !keep.some((entry) => entry.role === role);
  return {
    undo: undo.map((entry) => (whole(entry.role) ? withPurge(entry) : entry)).reverse(),
    keep,
    rest,
    keepPackages,
  };
}

function withPurge(entry: JournalEntry): JournalEntry {
  return entry.undo.do === "packages" ? { ...entry, undo: { ...entry.undo, how: "purge" } } : entry;
}
