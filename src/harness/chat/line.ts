import { setTimeout as pause } from "node:timers/promises";
import { ChatError } from "../chat-port.ts";

/**
 * The order of requests to a server that counts them. While it says that there were too many, they go one after the other, as they came:
 * of a crowd in which each tries again by itself most are refused again, and whoever needs two answers in a row hardly gets them.
 */
export class Line {
  readonly #mostMs: number;
  /** Who came last; undefined while nobody has to wait. */
  #last: Promise<void> | undefined;
  #notBefore = 0;

  /** `mostMs` is how long a request may wait for its turn; then it fails as the server refused it. */
  constructor(mostMs: number) {
    this.#mostMs = mostMs;
  }

  /** `ask` makes one request; a `ChatError` with `retryAfterMs` says that it was one too many and came to nothing. */
  async send<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#last !== undefined) return this.#inTurn(ask);
    try {
      return await ask();
    } catch (error) {
      this.#wait(error);
      return this.#inTurn(ask);
    }
  }

  async #inTurn<T>(ask: () => Promise<T>): Promise<T> {
    const until = performance.now() + this.#mostMs;
    const before = this.#last;
    const { promise: own, resolve: over } = Promise.withResolvers<void>();
    this.#last = own;
    try {
      await before;
      for (;;) {
        const wait = Math.max(0, this.#notBefore - performance.now());
        if (performance.now() + wait >= until)
          throw new ChatError("retry", "the chat server limits requests", {
            retryAfterMs: Math.max(Math.round(wait), 1000),
          });
        await pause(wait);
        try {
          return await ask();
        } catch (error) {
          this.#wait(error);
        }
      }
    } finally {
      if (this.#last === own) this.#last = undefined;
      over();
    }
  }

  /** Throws what is no limit. */
  #wait(error: unknown): void {
    if (!(error instanceof ChatError) || error.retryAfterMs === undefined) throw error;
    this.#notBefore = performance.now() + error.retryAfterMs;
  }
}
