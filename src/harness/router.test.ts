import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { dayStart, worstCost } from "./budget.ts";
import { systemClock } from "./clock.ts";
import { type AgentConfig, agentConfigSchema } from "./config.ts";
import { silentLog } from "./log.ts";
import { type ModelCaller, ModelError, type ModelReply } from "./model-port.ts";
import { ask } from "./router.ts";
import { receive } from "./store/inbox.ts";
import { openStore, type Store } from "./store/open.ts";
import { claimNext } from "./store/runs.ts";

let dir: string;
let store: Store;
let run: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "olympus-router-"));
  store = openStore(dir);
  receive(store, { source: "m", sourceId: "p", lane: "l", kind: "mention", author: "a", createdAt: 0, payload: {} }, 0);
  run = claimNext(store, 0)!.id;
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

const price = { input: 10, output: 100 };
const config = (change: object = {}): AgentConfig =>
  agentConfigSchema.parse({
    version: 1,
    agent: "athena",
    team: "lab",
    persona: "x",
    chat: { url: "http://chat", tokenFile: "t", botId: "b" },
    models: [
      { provider: "anthropic", model: "first", keyFile: "k", price },
      { provider: "openai", model: "second", keyFile: "k", price },
    ],
    budget: { run: 1, day: 10 },
    listen: { address: "127.0.0.1", port: 0, tokenFile: "d" },
    dataDir: "/nowhere",
    limits: { outputTokens: 1000 },
    ...change,
  });

const reply = (text: string): ModelReply => ({
  text,
  finish: "stop",
  inputTokens: 1000,
  cachedTokens: 0,
  outputTokens: 100,
});

/** Answers from a list: a text, or an error to throw. */
function scripted(...answers: (string | ModelError)[]): ModelCaller & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    async call(choice) {
      asked.push(choice.model);
      const next = answers.shift() ?? "unexpected";
      if (next instanceof ModelError) throw next;
      return reply(next);
    },
  };
}

function askWith(models: ModelCaller, settings = config()) {
  const parts = { config: settings, store, models, clock: systemClock(1000), log: silentLog };
  return ask(parts, run, "system", [{ role: "user", content: "hello" }], new AbortController().signal);
}

const limited = () => new ModelError("rate limited", "HTTP 429", { retryable: true, retryAfterMs: 1000 });
const refused = () => new ModelError("key refused", "HTTP 401", { retryable: false });

test("the first model that answers is enough, and its price is in the journal", async () => {
  const models = scripted("hi");
  expect(await askWith(models)).toEqual({ text: "hi", outcome: "answered" });
  expect(models.asked).toEqual(["first"]);
  const step = store.get<{ usd: number; provider: string }>("SELECT usd, provider FROM steps WHERE kind = 'model'")!;
  expect(step).toEqual({ usd: (1000 * 10 + 100 * 100) / 1e6, provider: "anthropic" });
});

test("D4 a short wait is granted once, then the next model is asked", async () => {
  const models = scripted(limited(), limited(), "from the second");
  expect(await askWith(models)).toMatchObject({ text: "from the second" });
  expect(models.asked).toEqual(["first", "first", "second"]);
});

test("D4 a long wait is not worth it", async () => {
  const patient = new ModelError("rate limited", "HTTP 429", { retryable: true, retryAfterMs: 60_000 });
  const models = scripted(patient, "from the second");
  await askWith(models);
  expect(models.asked).toEqual(["first", "second"]);
});

test("D12 when all fail there is one plain answer that names why", async () => {
  const answer = await askWith(scripted(refused(), ""));
  expect(answer.outcome).toBe("models failed");
  expect(answer.text).toContain("anthropic/first: key refused; openai/second: empty answer");
});

test("D3 a call that would pass the budget is not made", async () => {
  const models = scripted("never");
  const answer = await askWith(models, config({ budget: { run: 0.01, day: 10 } }));
  expect(models.asked).toEqual([]);
  expect(answer).toMatchObject({ outcome: "budget" });
  expect(answer.text).toContain("budget of one run");
});

test("D3 the day's budget blocks when earlier runs used it up", async () => {
  const settings = config({ budget: { run: 10, day: 0.12 } });
  expect(worstCost(settings.models[0]!, { system: "system", messages: [], maxOutputTokens: 1000 })).toBeGreaterThan(
    0.1,
  );
  expect((await askWith(scripted("one"), settings)).outcome).toBe("answered");
  expect((await askWith(scripted("two"), settings)).text).toContain("today's budget is used up");
});

test("a hosted model without a price counts as dear, a local one as free", () => {
  const request = { system: "", messages: [], maxOutputTokens: 1_000_000 };
  expect(worstCost({ provider: "openai", model: "m", keyFile: "k" }, request)).toBeGreaterThan(100);
  expect(worstCost({ provider: "openai-compatible", model: "m", baseUrl: "http://x" }, request)).toBe(0);
});

test("a model that takes too long is timed out", async () => {
  const slow: ModelCaller = {
    call: (_, __, signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  };
  const answer = await askWith(slow, config({ limits: { modelTimeout: 10, outputTokens: 1000 } }));
  expect(answer.text).toContain("anthropic/first: timed out; openai/second: timed out");
  // Providers bill what they were sent, also when nobody waited for the answer: the reservation stays.
  const steps = store.all<{ usd: number }>("SELECT usd FROM steps WHERE kind = 'model'");
  expect(steps.map(({ usd }) => usd > 0.1)).toEqual([true, true]);
});

test("a call that no provider bills costs nothing", async () => {
  await askWith(scripted(refused(), "hi"));
  const steps = store.all<{ usd: number }>("SELECT usd FROM steps WHERE kind = 'model' ORDER BY id");
  expect(steps[0]!.usd).toBe(0);
});

test("D3 a connection that was lost may be billed: both tries stay booked, and the budget bounds them", async () => {
  const lost = () => new ModelError("connection lost", "terminated", { retryable: true });
  const models = scripted(lost(), lost(), lost());
  const answer = await askWith(models, config({ budget: { run: 0.25, day: 10 } }));
  expect(models.asked).toEqual(["first", "first"]);
  expect(answer.text).toContain("openai/second: it would pass the budget of one run");
  const steps = store.all<{ usd: number }>("SELECT usd FROM steps WHERE kind = 'model'");
  expect(steps.map(({ usd }) => usd > 0.1)).toEqual([true, true]);
});

test("a script with more bytes than letters is reserved by its bytes", () => {
  const choice = config().models[0]!;
  const cost = (text: string): number => worstCost(choice, { system: text, messages: [], maxOutputTokens: 0 });
  expect(cost("漢".repeat(3000))).toBeCloseTo((3000 * 10) / 1e6);
});

test("a day begins at midnight of the configured place", () => {
  const now = Date.parse("2026-07-01T22:30:00Z");
  expect(new Date(dayStart(now, "Europe/Berlin")).toISOString()).toBe("2026-07-01T22:00:00.000Z");
  expect(new Date(dayStart(now, "Etc/UTC")).toISOString()).toBe("2026-07-01T00:00:00.000Z");
});
