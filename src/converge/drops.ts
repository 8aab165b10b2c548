import type { JournalEntry } from "./change.ts";
import type { HostState } from "./facts.ts";
import { type Claims, type ResetPlan, readClaims, readJournal } from "./journal.ts";
import { entriesOf, type PlannedStep } from "./plan.ts";
import { sortJournal } from "./sort-journal.ts";

/** Claims of roles as they are kept on the host, and as their wishes make them now. */
export interface ClaimChange {
  /** All roles that are set up there. */
  readonly before: readonly Claims[];
  /** The roles of this setup. */
  readonly now: readonly Claims[];
}

/** Whether a role stood for something that it no longer wishes: only then the journal must be read. */
export function dropsSomething({ before, now }: ClaimChange): boolean {
  return now.some(({ role, claims }) => before.some((old) => old.role === role && lost(old, claims).length > 0));
}

const lost = (old: Claims, claims: readonly string[]): string[] => old.claims.filter((one) => !claims.includes(one));

/**
 * What roles made or changed once and no longer wish, to be undone after everything wished stands. Sorted as for a reset:
 * a thing that another role stands for passes to that one; data stays, and is told. Never more than was claimed before
 * and is not claimed now, so an entry that nothing can be matched with stays for the role's reset.
 */
export function planDrops(entries: readonly JournalEntry[], { before, now }: ClaimChange): ResetPlan {
  const claimed = (by: readonly Claims[], role: string): readonly string[] | undefined =>
    by.find((one) => one.role === role)?.claims;
  return sortJournal(entries, {
    goes({ role, leave }, names) {
      const wished = claimed(now, role);
      const stood = (name: string) => claimed(before, role)?.some((one) => one === name || one === formerly(name));
      return leave !== true && wished?.some((one) => names.includes(one)) === false && names.some(stood);
    },
    heirs: [...now, ...before.filter(({ role }) => !now.some((one) => one.role === role))],
    purge: [],
  });
}

/** The same by what a host tells of itself, once these steps are done there. */
export function dropsAfter(
  steps: readonly PlannedStep[],
  { journal, allClaims }: HostState,
  host: string,
  now: readonly Claims[],
): ResetPlan {
  const entries = [...readJournal(journal, host), ...steps.flatMap((step) => entriesOf(step, ""))];
  return planDrops(entries, { before: readClaims(allClaims, host), now });
}

/** What earlier releases claimed for the same: of a user's groups and fields they claimed the user alone. */
const formerly = (name: string): string => name.replace(/^user-(?:groups|fields):([^:]+).*/, "user:$1");
