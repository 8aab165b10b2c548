import { ChatError } from "../chat-port.ts";
import { backoff } from "../clock.ts";
import { askUntil, type Patience } from "../patient.ts";

/** Tries of a question that is refused in unclear words: some half an hour. */
const mostUnclear = 100;

/** Asks the chat server until it answers. Throws what it refuses (a deleted thread, a channel that we were removed from), and what stays unclear. */
export function untilAnswered<T>(parts: Patience, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  return askUntil(parts, signal, "the chat server", ask, (error, attempt) => {
    if (!(error instanceof ChatError) || error.kind === "refused") return undefined;
    if (error.kind === "unclear" && attempt >= mostUnclear) return undefined;
    return error.retryAfterMs ?? backoff(attempt, 300, 30_000);
  });
}
