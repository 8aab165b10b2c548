import { setTimeout as pause } from "node:timers/promises";

/** Looks every `everyMs` until the condition holds (true) or `boundMs` have passed (false). */
export async function waitUntil(
  condition: () => Promise<boolean>,
  boundMs: number,
  everyMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const end = Date.now() + boundMs;
  for (;;) {
    if (await condition()) return true;
    if (Date.now() >= end) return false;
    await pause(everyMs, undefined, signal === undefined ? {} : { signal });
  }
}
