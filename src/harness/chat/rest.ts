import { Client4 } from "@mattermost/client";
import { ChatError, contentOf, type NewFile } from "../chat-port.ts";
import { Line } from "./line.ts";
import { refusal } from "./refusals.ts";

/** What Client4's own transport resolves to. */
interface Answer {
  readonly response: Response;
  readonly headers: Headers;
  readonly data: unknown;
}

/**
 * Mattermost's own REST client with our transport beneath it: Client4 knows no timeout, hides the status of answers that are not
 * JSON (rate limits are plain text) and drops headers of errors. Every failure is a `ChatError`; each request ends after `timeoutMs`, and
 * waits no longer than half of that for its turn where the server limits how many there are.
 */
export function restClient(url: string, token: string, timeoutMs: number): Client4 {
  const client = new Client4();
  client.setUrl(url);
  client.setToken(token);
  client.setIncludeCookies(false);
  const line = new Line(timeoutMs / 2);
  const ask = async (address: string, options: RequestInit): Promise<Answer> => {
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
  const transport = (address: string, options: RequestInit) => line.send(() => ask(address, options));
  // Private in Client4's types, and the one place that all of its calls go through.
  Object.assign(client, { doFetchWithResponse: transport });
  return client;
}

/** Fetches a file of at most `most` bytes, in `timeoutMs`. */
export async function download(client: Client4, address: string, most: number, timeoutMs: number): Promise<Uint8Array> {
  const { getOptions } = client as unknown as { getOptions(options: RequestInit): RequestInit };
  const init = getOptions.call(client, { method: "get" });
  const chunks: Uint8Array[] = [];
  try {
    const signal = AbortSignal.timeout(Math.ceil(timeoutMs));
    const response = await fetch(address, { ...init, signal, redirect: "error" });
    if (!response.ok) throw refusal(response.status, response.headers, await response.text());
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > most) throw new ChatError("refused", `the file is larger than ${most} bytes`);
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof ChatError) throw cause;
    throw new ChatError("retry", `the chat server does not answer: ${reason(cause)}`, { cause });
  }
  return Buffer.concat(chunks);
}

/** Gives the id of a file that a post can then name. */
export async function upload(client: Client4, channelId: string, file: NewFile): Promise<string> {
  const form = new FormData();
  form.append("channel_id", channelId);
  const type = "text" in file ? "text/plain" : "application/octet-stream";
  form.append("files", new Blob([new Uint8Array(contentOf(file))], { type }), file.name);
  const [info] = (await client.uploadFile(form)).file_infos;
  if (info === undefined) throw new ChatError("retry", "the chat server took a file and gave no id for it");
  return info.id;
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
