import type { Clock } from "./clock.ts";

const everyMs = 10_000;
/** A process that is kept waiting for longer than this has slept, with its machine. */
const mostLateMs = 20_000;

/**
 * Tells, within ten seconds of its end, of time that passed without this process: timers stand still while a machine is suspended, its
 * clock does not (or is set afterwards). Stopped by `clearInterval`.
 */
export function watchForSleep(clock: Clock, slept: (ms: number) => void): NodeJS.Timeout {
  const every = clock.scaled(everyMs);
  let last = clock.now();
  const timer = setInterval(() => {
    const now = clock.now();
    const late = now - last - every;
    last = now;
    if (late > mostLateMs) slept(late);
  }, every);
  timer.unref();
  return timer;
}
