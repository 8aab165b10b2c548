import type { Journal } from "../loop/loop.ts";
import type { ModelMessage } from "../model-port.ts";
import type { Store } from "./open.ts";

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
