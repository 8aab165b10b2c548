import type { JournalEntry } from "./change.ts";
import { type Claims, oldestEntries, type ResetPlan } from "./journal.ts";

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
export function planDrops(entries: readonly JournalEntry[], change: ClaimChange): ResetPlan {
  const { before, now } = change;
  const others = before.filter(({ role }) => !now.some((one) => one.role === role));
  const current = [...now, ...others];
  const undo: JournalEntry[] = [];
  const keep: JournalEntry[] = [];
  const rest: JournalEntry[] = [];
  for (const entry of oldestEntries(entries)) {
    const gone = goneNames(entry, change);
    if (gone.length === 0) {
      rest.push(entry);
      continue;
    }
    const heirOf = (name: string): string | undefined =>
      current.find(({ role, claims }) => role !== entry.role && claims.includes(name))?.role;
    const heir = entry.resource.startsWith("command:") ? undefined : heirOf(gone[0]!);
    if (entry.undo.do === "packages") {
      // One entry speaks of several packages: each goes its own way, with the list of what came with them.
      const byFate = Map.groupBy(entry.undo.names, (name) =>
        gone.includes(`package:${name}`) ? (heirOf(`package:${name}`) ?? "") : entry.role,
      );
      for (const [role, names] of byFate) {
        if (role === "") undo.push({ ...entry, undo: { ...entry.undo, names } });
        else rest.push({ ...entry, role, undo: { ...entry.undo, names } });
      }
    } else if (heir !== undefined) rest.push({ ...entry, role: heir });
    else if (entry.data !== undefined) {
      keep.push(entry);
      rest.push(entry);
    } else undo.push(entry);
  }
  const keepPackages = current.flatMap(({ claims }) =>
    claims.filter((claim) => claim.startsWith("package:")).map((claim) => claim.slice("package:".length)),
  );
  return { undo: undo.reverse(), keep, rest, keepPackages };
}

/** Those names of an entry's thing that its role claimed before and does not claim now. All of them, or for packages some; else none. */
function goneNames(entry: JournalEntry, { before, now }: ClaimChange): string[] {
  const old = before.find(({ role }) => role === entry.role);
  const wish = now.find(({ role }) => role === entry.role);
  if (old === undefined || wish === undefined || entry.leave === true) return [];
  const names = claimNames(entry);
  const gone = names.filter((name) => old.claims.includes(name) && !wish.claims.includes(name));
  return entry.undo.do === "packages" || gone.length === names.length ? gone : [];
}

function claimNames({ id, resource, undo }: JournalEntry): string[] {
  if (undo.do === "packages") return undo.names.map((name) => `package:${name}`);
  if (undo.do === "user-groups" || undo.do === "user-fields") return [`user:${undo.name}`];
  // A command's resource names its text as well; another text under the same id is the same thing.
  return resource.startsWith("command:") ? [`command:${id}`] : [resource];
}
