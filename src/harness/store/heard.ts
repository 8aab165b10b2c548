import type { PostPayload } from "../intake.ts";
import type { ModelMessage } from "../model-port.ts";
import type { Store } from "./open.ts";
import type { OpenRun } from "./runs.ts";

/**
 * Mentions that came to a run's lane since it was begun, oldest first, as `say` puts them; none that one of the run's conversations
 * (see `turns.ts`) has already: those are settled by that run and never become one of their own. Whoever takes what is given must
 * append it to a conversation at once. After a crash in between it is given again.
 */
export function newlyHeard(
  store: Store,
  run: OpenRun,
  say: (post: PostPayload) => string,
): { post: PostPayload; text: string }[] {
  return store.transaction(() =>
    store
      .all<{ id: number; payload: string }>(
        "SELECT id, payload FROM inbox WHERE lane = ? AND kind = 'mention' AND state = 'new' ORDER BY created_at, id",
        run.lane,
      )
      .flatMap(({ id, payload }) => {
        const post = JSON.parse(payload) as PostPayload;
        const text = say(post);
        const message: ModelMessage = { role: "user", content: text };
        const told = store.get(
          "SELECT 1 FROM turns WHERE run = ? AND message = ? LIMIT 1",
          run.id,
          JSON.stringify(message),
        );
        if (told === undefined) return [{ post, text }];
        store.run("UPDATE inbox SET state = 'done' WHERE id = ?", id);
        return [];
      }),
  );
}
