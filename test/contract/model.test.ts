/** The real provider packages, through the harness's own caller, against servers on 127.0.0.1. */
import { createServer, type Server, type ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import type { ModelConfig } from "../../src/harness/config.ts";
import { sdkCaller } from "../../src/harness/model/caller.ts";
import { assistantTurn, type ModelMessage, type ModelRequest, type ToolSpec } from "../../src/harness/model-port.ts";
import { type RehearsalServer, startRehearsal } from "../../src/rehearsal/model-server.ts";
import { loadScript, type ScriptInput, scriptSchema } from "../../src/rehearsal/script.ts";

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

const call = (choice: ModelConfig, signal = AbortSignal.timeout(100_000)) => caller.call(choice, request, signal);

describe.each([
  ["anthropic", "anthropic"],
  ["openai", "openai-responses"],
  ["google", "google"],
  ["openai-compatible", "openai"],
  ["rehearsal", "anthropic"],
] as const)("%s", (provider, format) => {
  const bash: ToolSpec = {
    name: "bash",
    description: "Runs a command.",
    parameters: { type: "object", properties: { command: { type: "string" } }, required: ["command"] },
  };
  let rehearsal: RehearsalServer;
  const play = async (...answers: ScriptInput["answers"]) => {
    rehearsal = await startRehearsal({ script: scriptSchema.parse({ answers }) });
    const choice = { provider, model: "some-model", baseUrl: rehearsal.url };
    return (change: Partial<ModelRequest> = {}) =>
      caller.call(choice, { ...request, ...change }, AbortSignal.timeout(100_000));
  };
  afterEach(() => rehearsal.close());

  test("an answer, streamed, with what it took", async () => {
    const ask = await play({ match: "hello", reply: "Hello! ".repeat(40) });
    const reply = await ask();
    expect(reply).toMatchObject({ text: "Hello! ".repeat(40), finish: "stop", outputTokens: 70, cachedTokens: 0 });
    expect(reply.inputTokens).toBeGreaterThan(10);
    expect(rehearsal.calls).toMatchObject([
      {
        format,
        model: "some-model",
        system: "You are athena.",
        messages: [{ role: "user", content: "hello" }],
        tools: [],
      },
    ]);
  });

  test("tools: what was called, and what came of it, go back as they were; ids never repeat", async () => {
    const list = { name: "bash", input: { command: "ls" } };
    const ask = await play(
      {
        match: "^hello$",
        reply: "Let me look.",
        thinking: "Which files?",
        tools: [
          { ...list, id: "a" },
          { ...list, id: "a" },
        ],
      },
      { match: "files", reply: "Done." },
    );
    const first = await ask({ tools: [bash] });
    expect(first).toMatchObject({ text: "Let me look.", finish: "tool-calls" });
    expect(first.calls!.map(({ name, input }) => [name, input])).toEqual([
      ["bash", { command: "ls" }],
      ["bash", { command: "ls" }],
    ]);
    expect(new Set(first.calls!.map(({ id }) => id)).size).toBe(2);
    const results = first.calls!.map((call): ModelMessage => ({ role: "tool", content: "two files", call }));
    const messages = [...request.messages, assistantTurn(first), ...results];
    expect(await ask({ tools: [bash], messages })).toMatchObject({ text: "Done.", finish: "stop" });
    expect(rehearsal.calls[1]!.messages.filter(({ role }) => role === "tool")).toEqual([
      { role: "tool", content: "two files" },
      { role: "tool", content: "two files" },
    ]);
    expect(JSON.stringify(rehearsal.calls[1]!.messages)).toContain('"command":"ls"');
    // As another model is told of it that takes over.
    const other = messages.map((message): ModelMessage => {
      const { native: _, ...plain } = message as ModelMessage;
      return plain;
    });
    expect(await ask({ tools: [bash], messages: other })).toMatchObject({ text: "Done." });
    expect(rehearsal.calls[2]!.tools).toEqual(["bash"]);
  });

  test("thoughts go back to the model that had them", async () => {
    const ask = await play(
      { match: "^hello$", thinking: "Hm.", tools: [{ name: "bash", input: {} }] },
      { match: ".", reply: "ok" },
    );
    const first = await ask({ tools: [bash] });
    expect(first.calls).toHaveLength(1);
    // Only the format of most others has no signatures to keep.
    if (format !== "openai") expect(first.native?.by).toBe(`${provider}/some-model`);
    const again = JSON.parse(JSON.stringify(assistantTurn(first))) as ModelMessage;
    const result: ModelMessage = { role: "tool", content: "x", call: first.calls![0]! };
    expect(await ask({ tools: [bash], messages: [...request.messages, again, result] })).toMatchObject({ text: "ok" });
  });

  test("D6 arguments that the limit cut are never taken for whole", async () => {
    const ask = await play({
      match: ".",
      fault: "limit",
      tools: [{ name: "bash", input: { command: "rm -rf build" } }],
    });
    // Gemini does not give them away at all.
    if (format === "google")
      return expect(ask({ tools: [bash] })).rejects.toMatchObject({ failure: "failed", retryable: true });
    const reply = await ask({ tools: [bash] });
    expect(reply).toMatchObject({ finish: "length", calls: [{ name: "bash", input: {} }] });
    expect(reply.calls![0]!.invalid).toContain("cut");
  });

  test("D7 arguments that are no JSON, and a conversation that goes on after them", async () => {
    const ask = await play(
      { match: "^hello$", tools: [{ name: "bash", raw: '{"command": "ls' }] },
      { match: ".", reply: "I am sorry." },
    );
    if (format === "google")
      return expect(ask({ tools: [bash] })).rejects.toMatchObject({ failure: "failed", retryable: true });
    const first = await ask({ tools: [bash] });
    expect(first.calls![0]!.invalid).toContain("no valid JSON");
    const result: ModelMessage = { role: "tool", content: first.calls![0]!.invalid!, call: first.calls![0]! };
    const messages = [...request.messages, assistantTurn(first), result];
    expect(await ask({ tools: [bash], messages })).toMatchObject({ text: "I am sorry." });
  });

  test.each(["cut", "broken", "reset"] as const)("D4 half an answer is none: %s", async (fault) => {
    const ask = await play({ match: ".", reply: "word ".repeat(200), fault });
    await expect(ask()).rejects.toMatchObject({ failure: "connection lost", retryable: true });
    expect(rehearsal.calls).toHaveLength(1);
  });

  test("D4 E14 rate limits with their wait, overload and failures, each asked once; a key that is echoed is not shown", async () => {
    const ask = await play(
      { match: ".", status: 429, retryAfter: 7, reply: "slow down", times: 1 },
      { match: ".", status: 529, reply: "overloaded", times: 1 },
      { match: ".", status: 500, reply: "oops", times: 1 },
      { match: ".", status: 401, reply: `key ${key.reveal()} is wrong` },
    );
    await expect(ask()).rejects.toMatchObject({ failure: "rate limited", retryable: true, retryAfterMs: 7000 });
    await expect(ask()).rejects.toMatchObject({ failure: "overloaded", retryable: true });
    await expect(ask()).rejects.toMatchObject({ failure: "failed", retryable: true });
    const refused = await ask().catch((error: unknown) => error);
    expect(refused).toMatchObject({ failure: "key refused", retryable: false });
    expect(String(refused)).not.toContain(key.reveal());
    expect(rehearsal.calls).toHaveLength(4);
  });

  test("D8 a conversation that is too long is told apart from other mistakes", async () => {
    const ask = await play(
      { match: ".", fault: "overflow", times: 1 },
      { match: ".", status: 400, reply: "no such field" },
    );
    await expect(ask()).rejects.toMatchObject({ failure: "too long", retryable: false });
    await expect(ask()).rejects.toMatchObject({ failure: "request refused", retryable: false });
  });

  test("D12 refusals, empty answers and thoughts alone are seen as such", async () => {
    const ask = await play(
      { match: ".", fault: "refusal", times: 1 },
      { match: ".", fault: "empty", times: 1 },
      { match: ".", fault: "thinking" },
    );
    expect(await ask()).toMatchObject({ finish: "content-filter" });
    expect(await ask()).toMatchObject({ text: "", finish: "stop" });
    expect(await ask()).toMatchObject({ text: "", finish: "stop" });
  });

  test("D13 a slow stream ends at once when it is stopped", async () => {
    await play({ match: ".", reply: "word ".repeat(2000), pace: 50 });
    const stop = new AbortController();
    const choice = { provider, model: "m", baseUrl: rehearsal.url };
    const pending = caller.call(choice, request, stop.signal);
    await expect.poll(() => rehearsal.calls.length).toBe(1);
    stop.abort(new Error("stopped"));
    await expect(pending).rejects.toThrow("stopped");
    // The provider is told too: it charges for what it goes on to say. All of it would take 100 s.
    await expect.poll(() => rehearsal.waiting(), { timeout: 2000 }).toBe(0);
  });

  test("D15 what was sent before is the beginning of what is sent next, and the provider's cache finds it", async () => {
    const ask = await play({ match: ".", reply: "ok" });
    const messages: ModelMessage[] = [{ role: "user", content: "long ago ".repeat(300) }];
    await ask({ messages });
    messages.push({ role: "assistant", content: "ok" }, { role: "user", content: "and now?" });
    expect((await ask({ messages })).cachedTokens).toBeGreaterThan(600);
    const [one, two] = rehearsal.calls.map((call) => JSON.stringify([call.tools, call.system, call.messages]));
    expect(two!.startsWith(one!.slice(0, -2))).toBe(true);
  });
});

test("openai-compatible: a server of one's own at a versioned address", async () => {
  const ollama = await startRehearsal({ script: loadScript() });
  const reply = await call({ provider: "openai-compatible", model: "m", baseUrl: `${ollama.url}/v1` });
  await ollama.close();
  expect(reply.text).toContain("Hello!");
});

test("openai-compatible: a server that does not say what an answer took", async () => {
  const { url, asked } = await answering((response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const chunk = (delta: object, finish: string | null) =>
      `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
    response.end(`${chunk({ content: "Hello!" }, null)}${chunk({}, "stop")}data: [DONE]\n\n`);
  });
  const reply = await call({ provider: "openai-compatible", model: "m", baseUrl: url });
  expect(reply).toMatchObject({ text: "Hello!", unmetered: true });
  expect(JSON.parse(asked[0]!.body)).toMatchObject({ stream_options: { include_usage: true } });
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
