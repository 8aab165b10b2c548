import type { JournalEntry } from "./change.ts";
import type { ResetPlan } from "./journal.ts";

/**
 * Undoes what the newest run in the journal changed, newest first, so that things are as they were before it, which need not be
 * how they were before Olympus. Earlier entries stay, and so does data.
 */
export function planRollback(entries: readonly JournalEntry[]): ResetPlan {
  const last = entries.at(-1)?.run ?? "";
  const mine = entries.filter(({ run }) => run === last && last !== "");
  const undo = mine.filter(({ data }) => data === undefined);
  return {
    undo: [...undo].reverse(),
    keep: mine.filter(({ data }) => data !== undefined),
    rest: entries.filter((entry) => !undo.includes(entry)),
    keepPackages: [],
  };
}
