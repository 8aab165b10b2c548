import type { JournalEntry } from "./change.ts";
import { packageClaim, userGroupClaim } from "./claim-names.ts";
import type { Claims, ResetPlan } from "./journal.ts";

/** The oldest entry of each resource and role, in order: it says what stood there before. */
export function oldestEntries(entries: readonly JournalEntry[]): JournalEntry[] {
  const seen = new Set<string>();
  return entries.filter(({ role, resource }) => {
    const key = `${role} ${resource}`;
    return seen.has(key) ? false : seen.add(key);
  });
}

/** What is to become of the journal's entries. */
export interface Sorting {
  /** Whether something is to go, by the names that its role may claim it by. */
  readonly goes: (entry: JournalEntry, names: readonly string[]) => boolean;
  /** Who else may stand for it. */
  readonly heirs: readonly Claims[];
  /** Data that goes, by name. */
  readonly purge: readonly string[];
}

/**
 * Sorts the journal: of what is to go, things that another role claims too pass to that role, data stays unless it is purged, the
 * rest is undone. An entry of several things is parted where they go different ways.
 */
export function sortJournal(entries: readonly JournalEntry[], { goes, heirs, purge }: Sorting): ResetPlan {
  const undo: JournalEntry[] = [];
  const keep: JournalEntry[] = [];
  const rest: JournalEntry[] = [];
  const oldest = oldestEntries(entries);
  const chains = lineChains(oldest);
  const going = new Set<string>();
  for (const entry of oldest) {
    const heirOf = (names: readonly string[]): string | undefined =>
      heirs.find(({ role, claims }) => role !== entry.role && names.some((name) => claims.includes(name)))?.role;
    const parts = partsOf(entry, (name) => {
      const names = chains.get(entry) ?? [name];
      if (!goes(entry, names)) return entry.role;
      // Roles name their commands by themselves: equal names mean nothing.
      return (name.startsWith("command:") ? undefined : heirOf(names)) ?? "";
    });
    for (const [role, part] of parts) {
      if (role !== "") rest.push({ ...part, role });
      // What two roles made goes with the older one's entry: by then nobody runs on it, and it is copied once.
      else if (isMade(part) && going.has(part.resource)) continue;
      else if (part.data !== undefined && !purge.includes(part.data)) {
        keep.push(part);
        rest.push(part);
      } else undo.push(part);
      if (role === "") going.add(part.resource);
    }
  }
  const [ownersThatStay, others] = ownersOfKept(undo, keep);
  const ofPackages = packageClaim("");
  const keepPackages = heirs
    .flatMap(({ claims }) => claims)
    .filter((claim) => claim.startsWith(ofPackages))
    .map((claim) => claim.slice(ofPackages.length));
  // Before what they own, so that it is undone before them.
  return {
    undo: others.reverse(),
    keep: [...ownersThatStay, ...keep],
    rest: [...ownersThatStay, ...rest],
    keepPackages,
  };
}

/** Database roles stay as long as databases of the same role do, and go with that data: until then PostgreSQL would not let them. */
export function ownersOfKept(
  undo: readonly JournalEntry[],
  keep: readonly JournalEntry[],
): [stay: JournalEntry[], others: JournalEntry[]] {
  const stay: JournalEntry[] = [];
  const others: JournalEntry[] = [];
  for (const entry of undo) {
    const owned = keep.find((one) => one.role === entry.role && one.undo.do === "postgresql-database");
    if (entry.undo.do === "postgresql-role" && owned?.data !== undefined) stay.push({ ...entry, data: owned.data });
    else others.push(entry);
  }
  return [stay, others];
}

/** A path that was not there before. */
const isMade = ({ undo }: JournalEntry): boolean => undo.do === "path" && undo.before.type === "absent";

/** An entry by what becomes of its things; `fate` is asked for each, by the name that roles claim it by. */
function partsOf(entry: JournalEntry, fate: (name: string) => string): [string, JournalEntry][] {
  const { id, resource, undo } = entry;
  const byFate = <T extends string>(things: readonly T[], nameOf: (thing: T) => string): [string, T[]][] => [
    ...Map.groupBy(things, (thing) => fate(nameOf(thing))),
  ];
  if (undo.do === "packages") {
    const parts = byFate(undo.names, packageClaim);
    return parts.map(([one, names]) => [one, { ...entry, undo: { ...undo, names } }]);
  }
  if (undo.do === "user-groups") {
    const parts = byFate(undo.groups, (group) => userGroupClaim(undo.name, group));
    return parts.map(([one, groups]) => [one, { ...entry, undo: { ...undo, groups } }]);
  }
  // A command's resource names its text as well; another text under the same id is the same thing.
  if (resource.startsWith("command:")) return [[fate(`command:${id}`), entry]];
  // Who stands for a file stands for its mode and owner.
  return [[fate(resource.replace(/^own:/, "path:")), entry]];
}

/**
 * A line that was changed again is the same thing under another name: what stood before the first change comes back only when all of
 * them are undone. The names of each such entry's whole chain.
 */
function lineChains(entries: readonly JournalEntry[]): Map<JournalEntry, string[]> {
  const chains = new Map<string, string[]>();
  const byEntry = new Map<JournalEntry, string[]>();
  for (const entry of entries) {
    const { role, resource, undo } = entry;
    if (undo.do !== "line") continue;
    const key = (line: string): string => JSON.stringify([role, undo.path, line]);
    const chain = (undo.before === undefined ? undefined : chains.get(key(undo.before))) ?? [];
    chain.push(resource);
    chains.set(key(undo.line), chain);
    byEntry.set(entry, chain);
  }
  return byEntry;
}
