import { messageOf } from "../../base/errors.ts";
import type { Secret } from "../../base/secret.ts";
import { ForgeError } from "../forge-port.ts";
import type { Log } from "../log.ts";
import type { Store } from "../store/open.ts";
import { keepAnswer, keptAnswer } from "./answers.ts";
import type { GithubClient } from "./client.ts";

export interface RequestParts {
  readonly api: string;
  readonly token: Secret;
  /** Keeps answers and their ETags. */
  readonly store: Store;
  readonly clock: { now(): number };
  readonly log: Log;
  readonly spaced: boolean;
  readonly signal?: AbortSignal | undefined;
}

type Params = Readonly<Record<string, unknown>>;

/** Entries of a page, as many as GitHub gives, and pages of a list that are read. */
export const perPage = 100;
export const mostPages = 10;

/** Requests with one token. What was read before is asked for by its ETag. Throws nothing but `ForgeError`. */
export class Requests {
  readonly #parts: RequestParts;
  #client: Promise<GithubClient> | undefined;

  constructor(parts: RequestParts) {
    this.#parts = parts;
  }

  /** What is there; `fresh` tells whether it changed since the same question. */
  async read<T>(route: string, params: Params = {}): Promise<{ data: T; fresh: boolean }> {
    const { store, clock } = this.#parts;
    const key = `${route} ${JSON.stringify(params)}`;
    const kept = keptAnswer(store, key);
    try {
      const { data, headers } = await this.#send(`GET ${route}`, {
        ...params,
        headers: kept === undefined ? {} : { "if-none-match": kept.etag },
      });
      if (headers.etag !== undefined)
        keepAnswer(store, key, { etag: headers.etag, body: JSON.stringify(data) }, clock.now());
      return { data: data as T, fresh: true };
    } catch (error) {
      if (kept !== undefined && (error as { status?: unknown }).status === 304)
        return { data: JSON.parse(kept.body) as T, fresh: false };
      throw failure(error, clock.now());
    }
  }

  /** Like `read`; undefined for what is not there. */
  async find<T>(route: string, params: Params = {}): Promise<T | undefined> {
    try {
      return (await this.read<T>(route, params)).data;
    } catch (error) {
      if (error instanceof ForgeError && error.kind === "missing") return undefined;
      throw error;
    }
  }

  /** All pages of a list, up to a thousand entries: who must not take a part for the whole asks how many there are. `fresh`: any of them changed. `part` finds the list where it is not the answer itself. */
  async list<T>(
    route: string,
    params: Params = {},
    part: (data: unknown) => T[] = (data) => data as T[],
  ): Promise<{ data: T[]; fresh: boolean }> {
    const all: T[] = [];
    let changed = false;
    for (let page = 1; page <= mostPages; page++) {
      const { data, fresh } = await this.read<unknown>(route, { ...params, per_page: perPage, page });
      const entries = part(data);
      all.push(...entries);
      changed ||= fresh;
      if (entries.length < perPage) break;
    }
    return { data: all, fresh: changed };
  }

  /** Makes or changes something; sent once. */
  async write<T>(route: string, params: Params): Promise<T> {
    try {
      return (await this.#send(route, { ...params, request: { retries: 0 } })).data as T;
    } catch (error) {
      throw failure(error, this.#parts.clock.now());
    }
  }

  async #send(route: string, params: Params): Promise<{ data: unknown; headers: Record<string, string | undefined> }> {
    this.#client ??= import("./client.ts").then(({ githubClient }) => githubClient(this.#parts));
    const client = await this.#client;
    return client.request(route, params) as unknown as Promise<{
      data: unknown;
      headers: Record<string, string | undefined>;
    }>;
  }
}

interface GithubFailure {
  readonly status?: number;
  readonly response?: {
    readonly headers?: Record<string, string | undefined>;
    readonly data?: { readonly message?: unknown; readonly errors?: unknown };
  };
}

/** What GitHub, or the way to it, said. */
function failure(error: unknown, now: number): ForgeError {
  if (error instanceof ForgeError) return error;
  const { status, response } = error as GithubFailure;
  const headers = response?.headers ?? {};
  const said = typeof response?.data?.message === "string" ? response.data.message : messageOf(error);
  const errors = response?.data?.errors;
  const message = errors === undefined ? said : `${said} ${JSON.stringify(errors).slice(0, 500)}`;
  const details = { status, cause: error };
  if (response === undefined || status === undefined || status >= 500) return new ForgeError("retry", message, details);
  if (status === 401) return new ForgeError("unauthorised", message, details);
  if (status === 404 || status === 410) return new ForgeError("missing", message, details);
  const limited =
    status === 429 ||
    (status === 403 && (headers["retry-after"] !== undefined || headers["x-ratelimit-remaining"] === "0"));
  if (!limited) return new ForgeError("refused", message, details);
  const asked = Number(headers["retry-after"] ?? Number.NaN);
  const reset = Number(headers["x-ratelimit-reset"] ?? Number.NaN) * 1000 - now;
  const retryAfterMs = Number.isFinite(asked) ? asked * 1000 : Number.isFinite(reset) ? Math.max(1000, reset) : 60_000;
  return new ForgeError("retry", message, { ...details, retryAfterMs });
}
