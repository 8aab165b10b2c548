import { setTimeout as timeout } from "node:timers/promises";

/** Time as the harness sees it, so that tests can compress waits. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Waits `ms` (divided by the clock's scale); rejects with the signal's reason when aborted. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
  /** A limit of `ms`, divided by the scale, for calls that take a plain number. */
  scaled(ms: number): number;
}

/** The machine's clock; waits are divided by `scale`. */
export function systemClock(scale = 1): Clock {
  return {
    now: () => Date.now(),
    wait: async (ms, signal) => {
      await timeout(Math.max(1, ms / scale), undefined, signal === undefined ? {} : { signal });
    },
    scaled: (ms) => Math.max(1, ms / scale),
  };
}

/** Exponential backoff with full jitter: between 0 and `first * 2^attempt`, at most `most` (milliseconds). */
export function backoff(attempt: number, first: number, most: number, random: () => number = Math.random): number {
  return Math.min(most, first * 2 ** Math.min(attempt, 20)) * (0.5 + random() / 2);
}
