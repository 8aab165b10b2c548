import type { JournalEntry } from "./change.ts";
import type { Claims, ResetPlan } from "./journal.ts";
import { sortJournal } from "./sort-journal.ts";

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
  const plan = sortJournal(entries, {
    goes: ({ role }) => roles.includes(role),
    heirs: claims.filter(({ role }) => !roles.includes(role)),
    purge,
  });
  // Packages that would delete data are only removed; with all of the role's data purged, nothing speaks for the rest of them.
  const whole = (role: string): boolean => purge.length > 0 && !plan.keep.some((entry) => entry.role === role);
  return { ...plan, undo: plan.undo.map((entry) => (whole(entry.role) ? withPurge(entry) : entry)) };
}

/** Of `roles` those that are not set up, and of which nothing was left either, data say. */
export function rolesAbsent(
  entries: readonly JournalEntry[],
  claims: readonly Claims[],
  roles: readonly string[],
): string[] {
  return roles.filter((name) => ![...claims, ...entries].some(({ role }) => role === name));
}

function withPurge(entry: JournalEntry): JournalEntry {
  return entry.undo.do === "packages" ? { ...entry, undo: { ...entry.undo, how: "purge" } } : entry;
}
