import { backoff, type Clock } from "../clock.ts";
import { type Forge, ForgeError } from "../forge-port.ts";
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

/** A forge whose limits are waited out, for whatever is asked of it: what it did not take for them did not happen. Other failures are thrown. */
export function patientForge(
  forge: Forge,
  parts: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Forge {
  return new Proxy(forge, {
    get(target, field) {
      const value: unknown = Reflect.get(target, field);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        const result = await untilAnswered(parts, signal, async () => {
          try {
            return { value: (await value.apply(target, args)) as unknown };
          } catch (error) {
            if (error instanceof ForgeError && error.kind === "retry" && error.retryAfterMs !== undefined) throw error;
            return { error };
          }
        });
        if ("error" in result) throw result.error;
        return result.value;
      };
    },
  });
}
