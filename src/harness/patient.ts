import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";

/** What waiting for an answer takes. */
export interface Patience {
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Asks until there is an answer. `pauseAfter` looks at each failure: how long to wait (ms) before the next try, or undefined where asking
 * again is of no use; that one is thrown, and the signal's reason. `who` is named in the log.
 */
export async function askUntil<T>(
  { clock, log }: Patience,
  signal: AbortSignal,
  who: string,
  ask: () => Promise<T>,
  pauseAfter: (error: unknown, attempt: number) => number | undefined,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      const wait = pauseAfter(error, attempt);
      if (wait === undefined) throw error;
      log.warn({ error: (error as Error).message, wait }, `${who} does not answer, will try again`);
      await clock.wait(wait, signal);
    }
  }
}
