import { exitCodes, OlympusError } from "../base/errors.ts";
import type { HostState } from "./facts.ts";
import { type RunRecord, readHistory } from "./history.ts";
import { type ResetPlan, readJournal } from "./journal.ts";
import type { UndoneRun } from "./result.ts";
import { ownersOfKept } from "./sort-journal.ts";

export interface RollbackPlan extends ResetPlan {
  readonly undoneRun: UndoneRun;
}

/**
 * Undoes what the host's newest run changed, newest first, so that things are as they were before it, which need not be how they were
 * before Olympus. Earlier runs stay, and so does data. Throws E-ROLE-ROLLBACK when nothing of that run can be undone: it failed before it
 * changed anything, or it took away what was no longer wished.
 */
export function planRollback(host: string, state: Pick<HostState, "journal" | "history" | "epoch">): RollbackPlan {
  const entries = readJournal(state.journal, host);
  const history = readHistory(state.history);
  const newest = history.findLast((one) => !changedNothing(one) && !unfinishedRollback(one));
  const mine = entries.filter(({ run }) => run === newest?.run);
  const data = mine.filter((entry) => entry.data !== undefined);
  const [owners, undo] = ownersOfKept(
    mine.filter((entry) => entry.data === undefined),
    data,
  );
  if (newest === undefined || undo.length === 0) throw nothingError(host, newest);
  const { what, who, since } = newest;
  return {
    // Both by the host's clock, which need not be this computer's.
    undoneRun: { what, who, since, secondsAgo: Math.max(0, state.epoch - since) },
    undo: [...undo].reverse(),
    keep: [...owners, ...data],
    rest: entries.filter((entry) => !undo.includes(entry)),
    keepPackages: [],
  };
}

/** It only noted what roles stand for. */
const changedNothing = ({ changes, end }: RunRecord): boolean => changes === 0 && end?.code === 0;

/** One that was cut off, or failed, is gone on with. */
const unfinishedRollback = ({ what, end }: RunRecord): boolean => what.startsWith("role rollback") && end?.code !== 0;

function nothingError(host: string, newest: RunRecord | undefined): OlympusError {
  const message =
    newest === undefined
      ? `${host} remembers no run.`
      : `${host}: its newest run (${newest.what}, by ${newest.who}) changed nothing that can be undone.`;
  return new OlympusError(message, {
    code: "E-ROLE-ROLLBACK",
    exit: exitCodes.failed,
    where: host,
    hint: `Nothing was changed. Runs before it are not rolled back: wish in the team file what it had, then npx olympus role setup --host ${host}. All runs: npx olympus role history --host ${host}`,
  });
}
