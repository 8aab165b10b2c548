import type { Journal } from "../loop/loop.ts";
import type { ModelMessage } from "../model-port.ts";
import type { Store } from "./open.ts";

/** Runs that are over and whose conversations and changes are kept, for people to look at: the newest. */
const mostKept = 100;

/** The conversation of one part of a run (`chat`, or a task that it handed over). Each message is durable before the next step. */
export function turnsOf(store: Store, run: string, part: string): Journal {
  let seq = store.get<{ next: number }>(
    "SELECT coalesce(max(seq) + 1, 0) AS next FROM turns WHERE run = ? AND part = ?",
    run,
    part,
  )!.next;
  return {
    load: () =>
      store
        .all<{ message: string }>("SELECT message FROM turns WHERE run = ? AND part = ? ORDER BY seq", run, part)
        .map(({ message }) => JSON.parse(message) as ModelMessage),
    append(message) {
      store.run("INSERT INTO turns VALUES (?, ?, ?, ?)", run, part, seq++, JSON.stringify(message));
    },
  };
}

/** Forgets what was released to a run that is over, and of older runs all that was said and changed. */
export function forgetTurns(store: Store, run: string): void {
  store.run("DELETE FROM turns WHERE run = ? AND message ->> '$.sensitive'", run);
  // Those that are old now, and this one where it was long under way.
  const old = `WITH older AS (SELECT id, started_at FROM runs WHERE state IN ('done', 'failed') ORDER BY started_at DESC LIMIT 50 OFFSET ${mostKept})
    SELECT id FROM older UNION SELECT id FROM runs WHERE id = ? AND started_at <= (SELECT max(started_at) FROM older)`;
  for (const table of ["turns", "changes"]) store.run(`DELETE FROM ${table} WHERE run IN (${old})`, run);
}

/** A diff that a run handed over. */
export interface Change {
  readonly repo: string;
  /** The commit. */
  readonly head: string;
  readonly diff: string;
}

/** Characters of a diff that are kept. */
const mostOfDiff = 200_000;

export function keepChange(store: Store, run: string, { repo, head, diff }: Change): void {
  const kept = diff.length <= mostOfDiff ? diff : `${diff.slice(0, mostOfDiff).toWellFormed()}\n[cut here]\n`;
  store.run("INSERT OR REPLACE INTO changes VALUES (?, ?, ?, ?)", run, repo, head, kept);
}
