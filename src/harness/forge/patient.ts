import { backoff, type Clock } from "../clock.ts";
import { ForgeError } from "../forge-port.ts";
import type { Log } from "../log.ts";

/** Asks the forge until it answers: its limits are waited out, and its failures. Throws what it refuses, and the signal's reason. */
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
      if (!(error instanceof ForgeError) || error.kind !== "retry") throw error;
      const wait = error.retryAfterMs ?? backoff(attempt, 500, 60_000);
      log.warn({ error: error.message, wait }, "the forge does not answer, will try again");
      await clock.wait(wait, signal);
    }
  }
}
