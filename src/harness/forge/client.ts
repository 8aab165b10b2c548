import { randomUUID } from "node:crypto";
import { retry } from "@octokit/plugin-retry";
import { throttling } from "@octokit/plugin-throttling";
import { Octokit } from "@octokit/rest";
import type { Secret } from "../../base/secret.ts";
import type { Log } from "../log.ts";

// The only file with Octokit in it, imported when the first request is made.

export interface ClientOptions {
  readonly api: string;
  readonly token: Secret;
  readonly log: Log;
  /** Keeps the pauses between requests that make something which GitHub asks for; all but tests. */
  readonly spaced: boolean;
  /** Ends what is under way: whoever asked does not wait for it any more. */
  readonly signal?: AbortSignal | undefined;
}

/** Longest wait for a limit within one call, seconds; longer ones are the caller's. */
const patience = 90;
/** Longest that one try of a request may take, ms. */
const oneTry = 30_000;

const Client = Octokit.plugin(retry, throttling);
export type GithubClient = InstanceType<typeof Client>;

/** GitHub's client: waits out short limits, repeats what reads, gives each try a bounded time. */
export function githubClient({ api, token, log, spaced, signal }: ClientOptions): GithubClient {
  const wait = (after: number, request: object, _: unknown, count: number): boolean => {
    const { method, url } = request as { method: string; url: string };
    const waits = after <= patience && count < 3;
    log.warn({ method, url, after, waits }, "the forge's limit is reached");
    return waits;
  };
  return new Client({
    auth: token.reveal(),
    baseUrl: api,
    userAgent: "olympus",
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    request: {
      fetch: (url: string, init: RequestInit) => {
        const limit = AbortSignal.timeout(oneTry);
        return fetch(url, { ...init, signal: signal === undefined ? limit : AbortSignal.any([limit, signal]) });
      },
    },
    throttle: {
      enabled: spaced,
      // Pauses are kept by token: one process may hold several.
      id: randomUUID(),
      onRateLimit: wait,
      onSecondaryRateLimit: wait,
    },
  });
}
