import { setTimeout as sleep } from "node:timers/promises";
import { Client4, ClientError } from "@mattermost/client";
import { exitCodes, messageOf, OlympusError } from "../base/errors.ts";

/** Longest time for one request, ms. An emulated machine needs a second or two for a login. */
const requestTimeoutMs = 30_000;

/** A client of the chat's REST API; without a token it is nobody. Each request ends after `timeoutMs` or with `signal`. */
export function chatClient(
  url: string,
  token?: string,
  signal?: AbortSignal,
  timeoutMs: number = requestTimeoutMs,
): Client4 {
  const client = new Client4();
  client.setUrl(url);
  client.setIncludeCookies(false);
  if (token !== undefined) client.setToken(token);
  // Client4 knows no limit of its own. Every request of it takes its options from here; the type calls it private.
  const own = client as unknown as { getOptions(options: RequestInit): RequestInit };
  const plain = own.getOptions.bind(client);
  own.getOptions = (options) => {
    const limit = AbortSignal.timeout(timeoutMs);
    return { ...plain(options), signal: signal === undefined ? limit : AbortSignal.any([signal, limit]) };
  };
  return client;
}

/** The same login without the signal: for cleaning up, and for what nobody may be left in doubt about. */
export function uncut(client: Client4): Client4 {
  return chatClient(client.getUrl(), client.getToken());
}

/** The HTTP status of a refused request, or undefined for anything else. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof ClientError ? error.status_code : undefined;
}

/** What a request gives, or undefined when the server says that there is no such thing (404). */
export async function orNothing<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/** Waits until the server answers. Throws E-CHAT-DOWN (exit 4) when it does not within `limit` ms. */
export async function waitForChat(url: string, limit: number, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + limit;
  let last = "";
  for (;;) {
    signal.throwIfAborted();
    try {
      const left = Math.max(100, Math.min(5_000, deadline - Date.now()));
      const patience = AbortSignal.any([signal, AbortSignal.timeout(left)]);
      const response = await fetch(`${url}/api/v4/system/ping`, { signal: patience });
      if (response.ok) return;
      last = `it answers with HTTP ${response.status}`;
    } catch (error) {
      last = causeOf(error);
    }
    if (Date.now() >= deadline) throw chatDown(url, last);
    await sleep(Math.min(250, Math.max(0, deadline - Date.now())), undefined, { signal });
  }
}

/** Turns what a request threw into an error for a person; what is one already stays. */
export function chatError(error: unknown, url: string, doing: string): unknown {
  if (error instanceof OlympusError) return error;
  if (error instanceof ClientError && error.status_code !== undefined) {
    return new OlympusError(`the chat refused to ${doing}: ${error.message}`, {
      code: "E-CHAT-REFUSED",
      where: url,
      hint: `It answered ${error.status_code} (${error.server_error_id ?? "no id"}); its log: npx olympus logs <machine of the chat>`,
      cause: error,
    });
  }
  if (error instanceof TypeError && /fetch failed/.test(error.message)) return chatDown(url, causeOf(error));
  // The library wraps what ends an answer half-way; a limit that ends it before is told as it is.
  const ended = error instanceof ClientError ? error.cause : error;
  if (ended instanceof Error && ended.name === "TimeoutError") return chatDown(url, causeOf(ended));
  return error;
}

function chatDown(url: string, reason: string): OlympusError {
  return new OlympusError(`the chat does not answer: ${reason}`, {
    code: "E-CHAT-DOWN",
    exit: exitCodes.unreachable,
    where: url,
    hint: "Is its machine up and its role set up?   npx olympus status, npm run role -- check mattermost --all",
  });
}

function causeOf(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") return "no answer in time";
  return error instanceof Error && error.cause instanceof Error ? error.cause.message : messageOf(error);
}
