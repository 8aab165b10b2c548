import type { Database } from "./database.ts";
import { Refusal } from "./http.ts";

/** What GitHub allows a token. Requests are counted by the hour; an unchanged answer (304) is free. */
export interface Limits {
  /** Requests an hour. */
  readonly hour: number;
  /** Requests a minute that make something: more is the secondary limit. */
  readonly contentMinute: number;
  /** Seconds that the secondary limit asks to wait. */
  readonly retryAfter: number;
}

export const githubLimits: Limits = { hour: 5000, contentMinute: 80, retryAfter: 60 };

/** Counts requests of each token. The hours are durable, so that a restart forgives nothing; the minutes are not. */
export class Counter {
  limits: Limits;
  readonly #db: Database;
  readonly #clock: () => number;
  readonly #made = new Map<string, number[]>();
  readonly #barred = new Map<string, number>();

  constructor(db: Database, clock: () => number, limits: Limits) {
    this.#db = db;
    this.#clock = clock;
    this.limits = limits;
  }

  #window(token: string): { hour_ends: number; used: number } {
    const now = Math.floor(this.#clock() / 1000);
    const row = this.#db.get<{ hour_ends: number; used: number }>(
      "SELECT hour_ends, used FROM usage WHERE token = ?",
      token,
    );
    return row === undefined || row.hour_ends <= now ? { hour_ends: now + 3600, used: 0 } : row;
  }

  /** Counts a request, or takes one back that turned out to be free. */
  count(token: string, requests: 1 | -1): void {
    const { hour_ends, used } = this.#window(token);
    this.#db.run(
      "INSERT INTO usage VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET hour_ends = excluded.hour_ends, used = excluded.used",
      token,
      hour_ends,
      Math.max(0, used + requests),
    );
  }

  headers(token: string): Record<string, string> {
    const { limit, remaining, reset, used } = this.overview(token);
    return {
      "x-ratelimit-limit": String(limit),
      "x-ratelimit-remaining": String(remaining),
      "x-ratelimit-reset": String(reset),
      "x-ratelimit-used": String(used),
      "x-ratelimit-resource": "core",
    };
  }

  overview(token: string): { limit: number; remaining: number; reset: number; used: number } {
    const { hour_ends, used } = this.#window(token);
    const limit = this.limits.hour;
    return { limit, remaining: Math.max(0, limit - used), reset: hour_ends, used };
  }

  /** Throws 403 where a limit is reached. `makes`: the request would make something. */
  check(token: string, login: string, makes: boolean): void {
    const now = this.#clock();
    const barred = this.#barred.get(token) ?? 0;
    if (barred > now) throw secondary(Math.ceil((barred - now) / 1000));
    if (this.overview(token).remaining === 0) throw new Refusal(403, `API rate limit exceeded for user ${login}.`);
    if (!makes) return;
    const recent = (this.#made.get(token) ?? []).filter((at) => at > now - 60_000);
    if (recent.length >= this.limits.contentMinute) {
      this.#barred.set(token, now + this.limits.retryAfter * 1000);
      throw secondary(this.limits.retryAfter);
    }
    this.#made.set(token, [...recent, now]);
  }

  /** As if every token had called too often: refused for so many seconds. */
  bar(tokens: readonly string[], seconds: number): void {
    for (const token of tokens) this.#barred.set(token, this.#clock() + seconds * 1000);
  }
}

const secondary = (seconds: number): Refusal =>
  new Refusal(
    403,
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    undefined,
    {
      "retry-after": String(seconds),
    },
  );
