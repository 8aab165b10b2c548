/** The real provider packages, through the harness's own caller, against servers on 127.0.0.1. */
import { createServer, type Server, type ServerResponse } from "node:http";
import { afterEach, expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import type { ModelConfig } from "../../src/harness/config.ts";
import { sdkCaller } from "../../src/harness/model/caller.ts";
import { startRehearsal } from "../../src/rehearsal/model-server.ts";
import { loadScript } from "../../src/rehearsal/script.ts";

const key = new Secret("models.test", "sk-secret-canary-123456");
const caller = sdkCaller(() => key);
const request = {
  system: "You are athena.",
  messages: [{ role: "user" as const, content: "hello" }],
  maxOutputTokens: 100,
};
let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

/** A server with one answer for everything; gives its address and what it was asked. */
async function answering(respond: (response: ServerResponse) => void) {
  const asked: { url: string; headers: Record<string, unknown>; body: string }[] = [];
  const started = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      asked.push({ url: incoming.url ?? "", headers: incoming.headers, body: Buffer.concat(chunks).toString() });
      respond(response);
    });
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  const { port } = started.address() as { port: number };
  return { url: `http://127.0.0.1:${port}`, asked };
}

const json =
  (body: object, status = 200, headers: Record<string, string> = {}) =>
  (response: ServerResponse) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(body));
  };

const call = (choice: ModelConfig, signal = AbortSignal.timeout(5000)) => caller.call(choice, request, signal);

test("rehearsal: the whole way, with usage", async () => {
  const rehearsal = await startRehearsal({ script: loadScript() });
  const reply = await call({ provider: "rehearsal", model: "rehearsal", baseUrl: rehearsal.url });
  await rehearsal.close();
  expect(reply.text).toContain("Hello!");
  expect(reply.inputTokens).toBeGreaterThan(0);
  expect(rehearsal.calls[0]).toMatchObject({ system: "You are athena." });
});

test("openai-compatible: Chat Completions at /v1", async () => {
  const completion = {
    id: "c",
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: [{ index: 0, message: { role: "assistant", content: "from a local model" }, finish_reason: "stop" }],
    usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
  };
  const { url, asked } = await answering(json(completion));
  const reply = await call({ provider: "openai-compatible", model: "m", baseUrl: url });
  expect(reply).toMatchObject({ text: "from a local model", inputTokens: 7, outputTokens: 3 });
  expect(asked[0]).toMatchObject({ url: "/v1/chat/completions", headers: { authorization: `Bearer ${key.reveal()}` } });
});

test("openai: Responses at /v1", async () => {
  const message = {
    type: "message",
    id: "m",
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text: "from openai", annotations: [] }],
  };
  const body = {
    id: "r",
    object: "response",
    created_at: 1,
    model: "m",
    status: "completed",
    output: [message],
    usage: { input_tokens: 5, output_tokens: 2, total_tokens: 7 },
  };
  const { url, asked } = await answering(json(body));
  expect(await call({ provider: "openai", model: "m", baseUrl: url })).toMatchObject({
    text: "from openai",
    inputTokens: 5,
  });
  expect(asked[0]!.url).toBe("/v1/responses");
});

test("google: generateContent at /v1beta", async () => {
  const body = {
    candidates: [{ content: { role: "model", parts: [{ text: "from gemini" }] }, finishReason: "STOP", index: 0 }],
    usageMetadata: { promptTokenCount: 4, candidatesTokenCount: 2, totalTokenCount: 6 },
  };
  const { url, asked } = await answering(json(body));
  expect(await call({ provider: "google", model: "gemini-x", baseUrl: url })).toMatchObject({
    text: "from gemini",
    outputTokens: 2,
  });
  expect(asked[0]!.url).toBe("/v1beta/models/gemini-x:generateContent");
});

const failures: [number, string, boolean, Record<string, string>][] = [
  [429, "rate limited", true, { "retry-after": "3" }],
  [401, "key refused", false, {}],
  [529, "overloaded", true, {}],
  [500, "failed", true, {}],
  [400, "request refused", false, {}],
];

test.each(failures)("D4 HTTP %i is told as: %s", async (status, failure, retryable, headers) => {
  const { url, asked } = await answering(
    json({ type: "error", error: { type: "e", message: `no: ${key.reveal()}` } }, status, headers),
  );
  const thrown = await call({ provider: "anthropic", model: "m", baseUrl: url }).catch((error: unknown) => error);
  expect(thrown).toMatchObject({ failure, retryable, ...(status === 429 ? { retryAfterMs: 3000 } : {}) });
  // E14: an answer that echoes the key is shown without it. And the SDK must not try by itself.
  expect(String(thrown)).not.toContain(key.reveal());
  expect(asked).toHaveLength(1);
});

test("D4 nobody listens, a cut connection, an abort", async () => {
  const { url: gone } = await answering(() => undefined);
  await new Promise((resolve) => server?.close(resolve));
  const away = call({ provider: "anthropic", model: "m", baseUrl: gone });
  await expect(away).rejects.toMatchObject({ failure: "unreachable", retryable: true });
  // The request was taken: the model may have worked, and be billed.
  const { url } = await answering((response) => response.destroy());
  const lost = { failure: "connection lost", retryable: true };
  await expect(call({ provider: "anthropic", model: "m", baseUrl: url })).rejects.toMatchObject(lost);
  server?.close();
  const { url: halfway } = await answering((response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.write('{"id":', () => response.destroy());
  });
  await expect(call({ provider: "anthropic", model: "m", baseUrl: halfway })).rejects.toMatchObject(lost);
  server?.close();
  const { url: silent } = await answering(() => undefined);
  const stop = new AbortController();
  const pending = call({ provider: "anthropic", model: "m", baseUrl: silent }, stop.signal);
  setTimeout(() => stop.abort(new Error("stopped")), 50);
  await expect(pending).rejects.toThrow("stopped");
});
