import { backoff } from "../clock.ts";
import { type Forge, ForgeError } from "../forge-port.ts";
import { askUntil, type Patience } from "../patient.ts";

/** Asks the forge until it answers: its limits are waited out, and its failures. Throws what it refuses, and the signal's reason. */
export function untilAnswered<T>(parts: Patience, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  return askUntil(parts, signal, "the forge", ask, (error, attempt) =>
    error instanceof ForgeError && error.kind === "retry"
      ? (error.retryAfterMs ?? backoff(attempt, 500, 60_000))
      : undefined,
  );
}

/** A forge whose limits are waited out, for whatever is asked of it: what it did not take for them did not happen. Other failures are thrown. */
export function patientForge(forge: Forge, parts: Patience, signal: AbortSignal): Forge {
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
