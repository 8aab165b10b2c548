import { Client4 } from "@mattermost/client";
import { ChatError } from "../chat-port.ts";
import { refusal } from "./refusals.ts";

/** What Client4's own transport resolves to. */
interface Answer {
  readonly response: Response;
  readonly headers: Headers;
  readonly data: unknown;
}

/**
 * Mattermost's own REST client with our transport beneath it: Client4 knows no timeout, hides the status of answers that are not
 * JSON (rate limits are plain text) and drops headers of errors. Every failure is a `ChatError`; each request ends after `timeoutMs`.
 */
export function restClient(url: string, token: string, timeoutMs: number): Client4 {
  const client = new Client4();
  client.setUrl(url);
  client.setToken(token);
  client.setIncludeCookies(false);
  const transport = async (address: string, options: RequestInit): Promise<Answer> => {
    const init = (client as unknown as { getOptions(options: RequestInit): RequestInit }).getOptions(options);
    let response: Response;
    let text: string;
    try {
      response = await fetch(address, {
        ...init,
        signal: AbortSignal.timeout(Math.ceil(timeoutMs)),
        redirect: "error",
      });
      text = await response.text();
    } catch (cause) {
      throw new ChatError("retry", `the chat server does not answer: ${reason(cause)}`, { cause });
    }
    if (!response.ok) throw refusal(response.status, response.headers, text);
    return { response, headers: response.headers, data: parse(text, response) };
  };
  // Private in Client4's types, and the one place that all of its calls go through.
  Object.assign(client, { doFetchWithResponse: transport });
  return client;
}

function parse(text: string, response: Response): unknown {
  if (!response.headers.get("content-type")?.includes("json")) return text;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ChatError("retry", "the chat server's answer was cut short", { cause });
  }
}

function reason(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : String(cause);
}
