/** The rehearsal model as a program of its own, and the real provider packages against its wire. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { streamText } from "ai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { buildBundle } from "../../src/harness/bundle.ts";
import { languageModel } from "../../src/harness/model/provider.ts";
import { type RehearsalServer, startRehearsal } from "../../src/rehearsal/model-server.ts";
import { loadScript } from "../../src/rehearsal/script.ts";
import { freePort, startService, stopService, untilReady } from "../support/processes.ts";

let server: RehearsalServer;
beforeAll(async () => {
  server = await startRehearsal({ script: loadScript() });
});
afterAll(() => server.close());

const ask = (body: object) => fetch(`${server.url}/v1/messages`, { method: "POST", body: JSON.stringify(body) });

describe("the wire", () => {
  test("an answer has the shape of Anthropic's, and says that it is a rehearsal", async () => {
    const response = await ask({ model: "m", max_tokens: 10, messages: [{ role: "user", content: "hello" }] });
    expect(response.headers.get("x-olympus-rehearsal")).toBe("true");
    expect(await response.json()).toMatchObject({
      type: "message",
      role: "assistant",
      stop_reason: "end_turn",
      content: [{ type: "text", text: expect.stringContaining("rehearsal") as string }],
      usage: { input_tokens: expect.any(Number) as number, output_tokens: expect.any(Number) as number },
    });
  });

  test.each([
    ["no model", { max_tokens: 1, messages: [{ role: "user", content: "x" }] }],
    ["no messages", { model: "m", max_tokens: 1, messages: [] }],
    ["an empty message", { model: "m", max_tokens: 1, messages: [{ role: "user", content: " " }] }],
    ["a wrong role", { model: "m", max_tokens: 1, messages: [{ role: "system", content: "x" }] }],
  ])("%s is refused as the real one does", async (_, body) => {
    const response = await ask(body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ type: "error", error: { type: "invalid_request_error" } });
  });

  test("a stream, read by the provider's own package", async () => {
    const model = await languageModel({ provider: "anthropic", model: "m", baseUrl: server.url }, undefined);
    const parts: string[] = [];
    for await (const part of streamText({ model, prompt: "hello" }).textStream) parts.push(part);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.join("")).toBe("Hello! (This is a rehearsal: a script answers in place of a language model.)");
  });
});

test("the bundled program reads its script, listens where it is told, and refuses a wrong script", async () => {
  const dir = mkdtempSync(join(tmpdir(), "olympus-rehearsal-"));
  const { folder } = await buildBundle("rehearsal");
  const node = join(projectRoot, "node_modules/.bin/node");
  const port = await freePort();
  const script = join(dir, "script.yaml");
  writeFileSync(script, "answers:\n  - match: ping\n    reply: pong\n");
  const child = startService(
    node,
    [join(folder, "rehearsal.mjs"), "--script", script, "--listen", `127.0.0.1:${port}`],
    {
      cwd: dir,
      log: join(dir, "log"),
    },
  );
  try {
    const url = `http://127.0.0.1:${port}`;
    await untilReady(
      child,
      async () =>
        fetch(`${url}/healthz`).then(
          (response) => response.ok,
          () => false,
        ),
      100_000,
    );
    const asked = { model: "m", max_tokens: 10, messages: [{ role: "user", content: "ping" }] };
    const response = await fetch(`${url}/v1/messages`, { method: "POST", body: JSON.stringify(asked) });
    expect(await response.json()).toMatchObject({ content: [{ text: "pong" }] });
  } finally {
    await stopService(child, "SIGTERM");
  }
  expect(child.exitCode).toBe(0);
  writeFileSync(script, "answers: nonsense\n");
  const wrong = startService(node, [join(folder, "rehearsal.mjs"), "--script", script], {
    cwd: dir,
    log: join(dir, "log"),
  });
  await new Promise((resolve) => wrong.once("exit", resolve));
  expect(wrong.exitCode).toBe(1);
  rmSync(dir, { recursive: true });
});
