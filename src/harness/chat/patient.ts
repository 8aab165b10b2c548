import { ChatError } from "../chat-port.ts";
import { backoff, type Clock } from "../clock.ts";
import type { Log } from "../log.ts";

/** Tries of a question that is refused in unclear words: some half an hour. */
const mostUnclear = 100;

/** Asks the chat server until it answers. Throws what it refuses (a deleted thread, a channel that we were removed from), and what stays unclear. */
export async function untilAnswered<T>(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
  ask: () => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ChatError) || error.kind === "refused") throw error;
      if (error.kind === "unclear" && attempt >= mostUnclear) throw error;
      log.warn({ error: error.message }, "the chat server does not answer, will try again");
      await clock.wait(error.retryAfterMs ?? backoff(attempt, 300, 30_000), signal);
    }
  }
}
