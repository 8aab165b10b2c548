import { messageOf } from "../../base/errors.ts";
import type { ForgeParts } from "./parts.ts";

/** The work is nothing to go on with: closed, given to somebody else, gone. */
export class NotWanted extends Error {}

export interface WatchedWork {
  /** For the log. */
  readonly name: string;
  /** Asks the forge; throws `NotWanted`. Costs nothing of the token's limit while nothing changed. */
  readonly stillWanted: (signal: AbortSignal) => Promise<void>;
  /** Says on the forge that the work goes on. */
  readonly renew?: () => Promise<void>;
}

/** How often we say that we are still at it, in a lease's time. */
const renewals = 4;

/**
 * Works, and looks meanwhile as often as at repositories whether the work is still wanted: where it is not, it is stopped wherever it is,
 * and this throws `NotWanted`.
 */
export async function whileWanted<T>(
  { clock, settings, log }: ForgeParts,
  { name, stillWanted, renew }: WatchedWork,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const unwanted = new AbortController();
  const watch = async (): Promise<void> => {
    const watching = AbortSignal.any([signal, over.signal]);
    for (let renewed = clock.now(); ; ) {
      await clock.wait(settings.every * 1000, watching);
      try {
        await stillWanted(watching);
        if (renew === undefined || clock.now() - renewed < (settings.leaseHours * 3600_000) / renewals) continue;
        await renew();
        renewed = clock.now();
      } catch (error) {
        if (watching.aborted) return;
        if (error instanceof NotWanted) return unwanted.abort(error);
        log.warn({ work: name, error: messageOf(error) }, "cannot look after it, will try again");
      }
    }
  };
  // Ends with its wait, when the work does.
  watch().catch(() => undefined);
  try {
    return await work(AbortSignal.any([signal, unwanted.signal]));
  } catch (error) {
    signal.throwIfAborted();
    throw unwanted.signal.aborted ? unwanted.signal.reason : error;
  } finally {
    over.abort();
  }
}
