import type { PostPayload } from "../intake.ts";
import type { Store } from "./open.ts";
import type { OpenRun } from "./runs.ts";

/**
 * Mentions that came to a run's lane since it was begun, oldest first, but for those that one of its conversations (see `turns.ts`) has
 * by the post's id: these are settled by that run and never become one of their own. After a crash before a conversation has one it is
 * given again.
 */
export function newlyHeard(store: Store, run: OpenRun): PostPayload[] {
  return store.transaction(() => {
    settleHeard(store, run);
    return store
      .all<{ payload: string }>(`SELECT payload FROM inbox WHERE ${waits} ORDER BY created_at, id`, run.lane)
      .map(({ payload }) => JSON.parse(payload) as PostPayload);
  });
}

/** Settles what was said to the model meanwhile: it is answered with the run's answer. */
export function settleHeard(store: Store, run: OpenRun): void {
  store.run(
    `UPDATE inbox SET state = 'done' WHERE ${waits}
     AND payload ->> 'id' IN (SELECT message ->> '$.post' FROM turns WHERE run = ?)`,
    run.lane,
    run.id,
  );
}

const waits = "lane = ? AND kind = 'mention' AND state = 'new'";
