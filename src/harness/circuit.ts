import type { ModelConfig } from "./config.ts";
import type { ModelError, ModelFailure } from "./model-port.ts";

/** Failures in a row after which a provider is left alone. */
const failuresToOpen = 3;
/** For how long, ms. */
const pauseMs = 5 * 60_000;
/** Longest pause that a provider may ask for, ms. */
const longestPauseMs = 60 * 60_000;

/** Failures that say something of the provider, not of what it was asked. */
const ofProvider: ReadonlySet<ModelFailure> = new Set([
  "rate limited",
  "overloaded",
  "unreachable",
  "connection lost",
  "timed out",
  "key refused",
  "failed",
]);

/** Since when a provider fails, ms, and how it did last. */
export interface Failing {
  readonly since: number;
  readonly why: ModelFailure;
}

interface Circuit {
  failures: number;
  failing?: Failing;
  /** Until when nothing is sent, ms. */
  until: number;
  /** One call is out to see whether the provider is back. */
  trying: boolean;
}

/**
 * Remembers which providers fail: after 3 failures in a row one is left alone for 5 minutes, or for as long as it asked, then one call
 * tries it. Kept in memory: a new process tries anew.
 */
export class Circuits {
  readonly #circuits = new Map<string, Circuit>();

  /** Until when (ms) a provider is left alone; undefined when it may be asked. The caller that may ask tells how it went. */
  blockedUntil(choice: ModelConfig, now: number): number | undefined {
    const circuit = this.#of(choice);
    if (now < circuit.until) return circuit.until;
    if (circuit.failures < failuresToOpen) return undefined;
    if (circuit.trying) return now + pauseMs;
    circuit.trying = true;
    return undefined;
  }

  /** Undefined while a provider may well answer: it is not left alone, and did not refuse the key. */
  failing(choice: ModelConfig, now: number): Failing | undefined {
    const { failures, failing, until } = this.#of(choice);
    return failures >= failuresToOpen || now < until || failing?.why === "key refused" ? failing : undefined;
  }

  succeeded(choice: ModelConfig): void {
    this.#circuits.delete(keyOf(choice));
  }

  /** The call ended in a way that says nothing of the provider. */
  abandoned(choice: ModelConfig): void {
    this.#of(choice).trying = false;
  }

  failed(choice: ModelConfig, { failure, retryAfterMs }: ModelError, now: number): void {
    const circuit = this.#of(choice);
    circuit.trying = false;
    if (!ofProvider.has(failure)) return;
    circuit.failures++;
    circuit.failing = { since: circuit.failing?.since ?? now, why: failure };
    if (circuit.failures >= failuresToOpen) circuit.until = now + pauseMs;
    if (retryAfterMs !== undefined)
      circuit.until = Math.max(circuit.until, now + Math.min(retryAfterMs, longestPauseMs));
  }

  #of(choice: ModelConfig): Circuit {
    const key = keyOf(choice);
    const circuit = this.#circuits.get(key) ?? { failures: 0, until: 0, trying: false };
    this.#circuits.set(key, circuit);
    return circuit;
  }
}

/** One provider, at one address, with one key. */
function keyOf({ provider, baseUrl, keyFile }: ModelConfig): string {
  return JSON.stringify([provider, baseUrl, keyFile]);
}
