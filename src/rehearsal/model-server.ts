import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { anthropic } from "./anthropic.ts";
import { google } from "./google.ts";
import { openai } from "./openai.ts";
import { openaiResponses } from "./openai-responses.ts";
import { PromptCache } from "./prompt-cache.ts";
import { choose, delayOf, fill, fillInput, type Script, type ScriptAnswer } from "./script.ts";
import { type Answer, type Asked, type AskedMessage, isObject, tokens, type Wire } from "./wire.ts";

/** A model call as the server saw it, for tests. `at`: ms since the epoch, when the request had arrived whole. */
export interface LoggedCall {
  readonly at: number;
  readonly format: Wire["name"];
  readonly model: string;
  readonly system: string;
  readonly messages: readonly AskedMessage[];
  readonly tools: readonly string[];
  readonly status: number;
  readonly reply: string;
}

export interface RehearsalServer {
  readonly url: string;
  readonly calls: readonly LoggedCall[];
  /** Requests whose client still waits for the answer, or its end. */
  waiting(): number;
  close(): Promise<void>;
}

const wires: readonly Wire[] = [anthropic, openai, openaiResponses, google];
/** Calls kept in memory; older ones are forgotten. */
const keptCalls = 1000;
const mostBytes = 16 * 1024 * 1024;

/**
 * A model played by a script, in the formats of Anthropic, OpenAI (both of them, so Ollama's too) and Gemini, streamed or not, with the
 * faults that the script wants; and GET /healthz. Listens on `address:port` (0: any free one) when it returns. Every answer carries the
 * header `x-olympus-rehearsal: true`.
 */
export async function startRehearsal(options: {
  script: Script;
  address?: string;
  port?: number;
}): Promise<RehearsalServer> {
  const calls: LoggedCall[] = [];
  const used = new Map<ScriptAnswer, number>();
  const cache = new PromptCache();
  let count = 0;
  let waiting = 0;

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.setHeader("x-olympus-rehearsal", "true");
    const path = request.url?.split("?")[0] ?? "";
    if (request.method === "GET" && path === "/healthz")
      return json(response, 200, { status: "ok", rehearsal: true, calls: count });
    const wire = wires.find(({ serves }) => serves(path));
    if (request.method !== "POST" || wire === undefined) {
      const message = "only POST /v1/messages, /v1/chat/completions, /v1/responses, /v1beta/models/… and GET /healthz";
      return json(response, 404, (wire ?? anthropic).refusal({ status: 404, kind: "wrong", message }));
    }
    const body = await readJson(request);
    const at = Date.now();
    const asked = isObject(body) ? wire.read(body, path) : "the body must be an object";
    const wrong = (message: string) => json(response, 400, wire.refusal({ status: 400, kind: "wrong", message }));
    if (typeof asked === "string") return wrong(asked);
    const { model, system, messages, tools } = asked;
    const chosen = choose(options.script, asked, used);
    count++;
    const tooLong = chosen?.answer.fault === "overflow";
    const status = chosen === undefined || tooLong ? 400 : (chosen.answer.status ?? 200);
    const reply = chosen === undefined ? "" : fill(chosen.answer.reply, chosen.match, system);
    calls.push({ at, format: wire.name, model, system, messages, tools, status, reply });
    if (calls.length > keptCalls) calls.shift();
    if (chosen === undefined) return wrong("the script has no answer to this message");
    const { answer: scripted, match } = chosen;
    await wait(delayOf(scripted, match) * 1000);
    if (scripted.fault === "reset") return void response.socket?.resetAndDestroy();
    if (scripted.retryAfter !== undefined) response.setHeader("retry-after", String(scripted.retryAfter));
    if (status !== 200)
      return json(response, status, wire.refusal({ status, kind: tooLong ? "too long" : "scripted", message: reply }));
    const filled = scripted.tools.map((tool) => ({ ...tool, input: fillInput(tool.input, match, system) }));
    const answer = compose(count, { ...scripted, tools: filled }, reply, asked, cache);
    if (!asked.stream) return json(response, 200, wire.whole(answer, asked));
    await stream(response, [...wire.events(answer, asked)], scripted);
  };

  const server = createServer((request, response) => {
    waiting++;
    response.once("close", () => waiting--);
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent) return response.destroy();
      const message = error instanceof Error ? error.message : String(error);
      json(response, 400, anthropic.refusal({ status: 400, kind: "wrong", message }));
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
    waiting: () => waiting,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What the script's answer is in any format. */
function compose(count: number, scripted: ScriptAnswer, reply: string, asked: Asked, cache: PromptCache): Answer {
  const { fault, tools } = scripted;
  const silent = fault === "empty" || fault === "thinking";
  const calls = silent
    ? []
    : tools.map(({ name, input, raw, id }, index) => {
        const whole = raw ?? JSON.stringify(input);
        const cut = fault === "limit" && index === tools.length - 1;
        return {
          id: id ?? `call_${count}_${index + 1}`,
          name,
          arguments: cut ? whole.slice(0, Math.floor(whole.length / 2)) : whole,
        };
      });
  const text = silent ? "" : fault === "limit" && calls.length === 0 ? reply.slice(0, reply.length / 2) : reply;
  const thinking = fault === "thinking" ? "Let me think about this for a while." : scripted.thinking;
  const finish = fault === "refusal" ? "declined" : fault === "limit" ? "limit" : calls.length > 0 ? "calls" : "end";
  const said = text + thinking + calls.map(({ arguments: json }) => json).join("");
  const { input, cached } = cache.look(asked);
  return { id: `rehearsal-${count}`, text, thinking, calls, finish, usage: { input, cached, output: tokens(said) } };
}

async function stream(
  response: ServerResponse,
  events: readonly string[],
  { fault, pace }: ScriptAnswer,
): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  // Half of the answer, and what came of it has left for good when the connection ends: in order, or not.
  const cut = fault === "cut" || fault === "broken";
  for (const event of cut ? events.slice(0, Math.ceil(events.length / 2)) : events) {
    await new Promise<void>((resolve) => response.write(event, () => resolve()));
    if (pace > 0) await wait(pace);
  }
  if (fault === "broken") response.destroy();
  else response.end();
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
