import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { errorBody, events, type MessagesRequest, message, textOf, wrongWith } from "./anthropic.ts";
import { choose, delayOf, fill, type Script, type ScriptAnswer } from "./script.ts";

/** A model call as the server saw it, for tests. `at`: ms since the epoch, when the request had arrived whole. */
export interface LoggedCall {
  readonly at: number;
  readonly system: string;
  readonly messages: MessagesRequest["messages"];
  readonly status: number;
  readonly reply: string;
}

export interface RehearsalServer {
  readonly url: string;
  readonly calls: readonly LoggedCall[];
  close(): Promise<void>;
}

/** Calls kept in memory; older ones are forgotten. */
const keptCalls = 1000;
const mostBytes = 4 * 1024 * 1024;

/**
 * A model played by a script, on Anthropic's wire format: POST /v1/messages, streamed or not, and GET /healthz.
 * Listens on `address:port` (0: any free one) when it returns. Every answer carries the header `x-olympus-rehearsal: true`.
 */
export async function startRehearsal(options: {
  script: Script;
  address?: string;
  port?: number;
}): Promise<RehearsalServer> {
  const calls: LoggedCall[] = [];
  const used = new Map<ScriptAnswer, number>();
  let count = 0;

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.setHeader("x-olympus-rehearsal", "true");
    const path = request.url?.split("?")[0];
    if (request.method === "GET" && path === "/healthz")
      return json(response, 200, { status: "ok", rehearsal: true, calls: count });
    if (request.method !== "POST" || path !== "/v1/messages")
      return json(response, 404, errorBody(404, "only POST /v1/messages and GET /healthz"));
    const body = await readJson(request);
    const at = Date.now();
    const wrong = wrongWith(body);
    if (wrong !== undefined) return json(response, 400, errorBody(400, wrong));
    const asked = body as MessagesRequest;
    const system = textOf(asked.system);
    const last = asked.messages.findLast((one) => one.role === "user");
    const chosen = choose(options.script, textOf(last?.content), used);
    count++;
    const status = chosen === undefined ? 400 : (chosen.answer.status ?? 200);
    const reply = chosen === undefined ? "" : fill(chosen.answer.reply, chosen.match, system);
    calls.push({ at, system, messages: asked.messages, status, reply });
    if (calls.length > keptCalls) calls.shift();
    if (chosen === undefined) return json(response, 400, errorBody(400, "the script has no answer to this message"));
    await wait(delayOf(chosen.answer, chosen.match) * 1000);
    if (status !== 200) return json(response, status, errorBody(status, reply));
    const full = message(`msg_rehearsal_${count}`, asked, reply);
    if (!asked.stream) return json(response, 200, full);
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
    for (const event of events(full)) response.write(event);
    response.end();
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else json(response, 400, errorBody(400, error instanceof Error ? error.message : String(error)));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, options.address ?? "127.0.0.1", resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    url: `http://${address.includes(":") ? `[${address}]` : address}:${port}`,
    calls,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBytes) throw new Error("the request is too large");
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
}
