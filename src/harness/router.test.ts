import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { agentConfig } from "../../test/support/agent-config.ts";
import { ask } from "./ask.ts";
import { worstCost } from "./budget.ts";
import { systemClock } from "./clock.ts";
import type { AgentConfig } from "./config.ts";
import { silentLog } from "./log.ts";
import { type ModelCaller, ModelError, type ModelMessage, type ModelReply, type ModelRequest } from "./model-port.ts";
import { ModelRouter } from "./router.ts";
import { receive } from "./store/inbox.ts";
import { openStore, type Store } from "./store/open.ts";
import { claimNext } from "./store/runs.ts";
import { spentSince } from "./store/steps.ts";

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
  agentConfig({
    chat: { botId: "b" },
    models: [
      { provider: "anthropic", model: "first", keyFile: "k", price },
      { provider: "openai", model: "second", keyFile: "k", price },
    ],
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

const routerOf = (models: ModelCaller, settings = config(), clock = systemClock(1000)) =>
  new ModelRouter({ config: settings, store, models, clock, log: silentLog });

const question: readonly ModelMessage[] = [{ role: "user", content: "hello" }];
const askWith = (models: ModelCaller, settings = config(), router = routerOf(models, settings), messages = question) =>
  ask(router, settings, { run, kind: "chat", system: "system", messages, signal: new AbortController().signal });

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

test("D12 a key that is refused is told of at once, one failure of another kind is not", async () => {
  const router = routerOf(scripted(refused(), new ModelError("timed out", "", { retryable: false })));
  await askWith(scripted(), config(), router);
  expect(router.failing()).toMatchObject([{ model: "anthropic/first", why: "key refused" }]);
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
  const empty = { system: "system", messages: [], maxOutputTokens: 1000 };
  expect(worstCost(settings.models[0]!, empty).usd).toBeGreaterThan(0.1);
  expect((await askWith(scripted("one"), settings)).outcome).toBe("answered");
  expect((await askWith(scripted("two"), settings)).text).toContain("today's budget is used up");
});

test("a hosted model without a price counts as dear, a local one as free", () => {
  const request = { system: "", messages: [], maxOutputTokens: 1_000_000 };
  expect(worstCost({ provider: "openai", model: "m", keyFile: "k" }, request).usd).toBeGreaterThan(100);
  expect(worstCost({ provider: "openai-compatible", model: "m", baseUrl: "http://x" }, request).usd).toBe(0);
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
  const cost = (text: string): number => worstCost(choice, { system: text, messages: [], maxOutputTokens: 0 }).usd;
  expect(cost("漢".repeat(3000))).toBeCloseTo((3000 * 10) / 1e6);
});

describe("D3 budgets in tokens", () => {
  const free = { provider: "openai-compatible", model: "local", baseUrl: "http://local" };
  const limited = (budget: object) => config({ models: [free], budget: { run: 1, day: 10, ...budget } });

  test("hold where nothing costs money", async () => {
    const models = scripted("never");
    expect((await askWith(models, limited({ runTokens: 500 }))).outcome).toBe("budget");
    expect(models.asked).toEqual([]);
  });

  test("count what a call really took, once it is over", async () => {
    const settings = limited({ dayTokens: 2500 });
    const models = scripted("one", "two", "three");
    // Each is reserved with 1,000 for its answer and settled with the 1,100 that it took in all.
    expect((await askWith(models, settings)).text).toBe("one");
    expect((await askWith(models, settings)).text).toBe("two");
    expect((await askWith(models, settings)).text).toContain("today's budget is used up");
  });
});

test("D3 an answer of which nobody says what it took counts as reserved", async () => {
  const silent: ModelCaller = {
    call: async () => ({ ...reply("hi"), inputTokens: 0, outputTokens: 0, unmetered: true }),
  };
  expect((await askWith(silent)).text).toBe("hi");
  const step = store.get<{ usd: number; tokens: number }>(
    "SELECT usd, output_tokens AS tokens FROM steps WHERE kind = 'model'",
  )!;
  expect(step.usd).toBeGreaterThan(0.1);
  expect(step.tokens).toBe(1000);
});

test("D3 calls side by side cannot pass a budget together: each is reserved before it leaves", async () => {
  let open = 0;
  const release = new AbortController();
  const models: ModelCaller = {
    call: () => {
      open++;
      return new Promise((resolve) => release.signal.addEventListener("abort", () => resolve(reply("hi"))));
    },
  };
  const settings = config({ budget: { run: 0.25, day: 10 } });
  const router = routerOf(models, settings);
  const answers = Promise.all([1, 2, 3, 4].map(() => askWith(models, settings, router)));
  await expect.poll(() => open).toBe(2);
  release.abort();
  expect((await answers).map(({ outcome }) => outcome).sort()).toEqual(["answered", "answered", "budget", "budget"]);
});

describe("circuits", () => {
  /** A clock that stands still and moves with waits. */
  function steppedClock() {
    let now = Date.parse("2026-11-21T15:00:00Z");
    return {
      now: () => now,
      wait: async (ms: number) => {
        now += Math.ceil(ms);
      },
      scaled: (ms: number) => ms,
      pass(ms: number) {
        now += ms;
      },
    };
  }
  const down = () => new ModelError("overloaded", "HTTP 529", { retryable: true });

  test("D4 after three failures in a row a provider is left alone for five minutes, then tried with one call", async () => {
    const clock = steppedClock();
    const models = scripted(down(), down(), "second", down(), "second", "second", down(), "second", "second", "first");
    const router = routerOf(models, config(), clock);
    for (let mention = 0; mention < 3; mention++) await askWith(models, config(), router);
    expect(models.asked).toEqual(["first", "first", "second", "first", "second", "second"]);
    clock.pass(5 * 60_000);
    await askWith(models, config(), router);
    await askWith(models, config(), router);
    expect(models.asked.slice(6)).toEqual(["first", "second", "second"]);
    const since = Date.parse("2026-11-21T15:00:00Z");
    expect(router.failing()).toEqual([{ model: "anthropic/first", since, why: "overloaded" }]);
    clock.pass(5 * 60_000);
    expect((await askWith(models, config(), router)).text).toBe("first");
    expect(router.failing()).toEqual([]);
  });

  /** A router whose first model has failed often enough to be left alone, and may be tried now. */
  async function halfOpen(on: Store, settings: AgentConfig, answer: ModelCaller["call"]) {
    const clock = steppedClock();
    const failing = scripted(down(), down(), "second", down());
    let opened = false;
    const models: ModelCaller = { call: (...asked) => (opened ? answer : failing.call)(...asked) };
    const router = new ModelRouter({ config: settings, store: on, models, clock, log: silentLog });
    for (let mention = 0; mention < 2; mention++) await askWith(models, settings, router);
    opened = true;
    clock.pass(5 * 60_000);
    return (kind: "chat" | "code", signal = new AbortController().signal) =>
      router.call({ run, kind, request: { system: "s", messages: question, maxOutputTokens: 10 }, signal });
  }

  test("D4 the one call that was to try a provider is stopped before its turn: the next one tries it", async () => {
    const [first, second] = config().models.map((choice) => ({ ...choice, for: ["chat" as const] }));
    const coder = { provider: "openai", model: "coder", keyFile: "other", price, for: ["code"] };
    const settings = config({ models: [first, second, coder], limits: { calls: 1 } });
    const release = Promise.withResolvers<void>();
    const asked: string[] = [];
    const call = await halfOpen(store, settings, async ({ model }) => {
      asked.push(model);
      if (model === "coder") await release.promise;
      return reply(model);
    });
    const coding = call("code");
    await expect.poll(() => asked).toEqual(["coder"]);
    const stop = new AbortController();
    const waiting = call("chat", stop.signal);
    stop.abort(new Error("stopped"));
    await expect(waiting).rejects.toThrow("stopped");
    release.resolve();
    await coding;
    expect(await call("chat")).toMatchObject({ ok: true, reply: { text: "first" } });
  });

  test("D4 the one call that was to try a provider fails at the store: the next one tries it", async () => {
    let broken = false;
    const failing = new Proxy(store, {
      get(target, name) {
        if (broken) throw new Error("disk is full");
        const value = Reflect.get(target, name, target) as unknown;
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
    const call = await halfOpen(failing, config(), async ({ model }) => reply(model));
    broken = true;
    await expect(call("chat")).rejects.toThrow("disk is full");
    broken = false;
    expect(await call("chat")).toMatchObject({ ok: true, reply: { text: "first" } });
  });

  test("D4 when every provider is left alone the answer says so, at once and without a call", async () => {
    const clock = steppedClock();
    const models = scripted(...Array.from({ length: 8 }, down));
    const router = routerOf(models, config(), clock);
    await askWith(models, config(), router);
    await askWith(models, config(), router);
    const asked = models.asked.length;
    const answer = await askWith(models, config(), router);
    expect(models.asked.length).toBe(asked);
    expect(answer.text).toMatch(/anthropic\/first: left alone until 15:05, it failed before; openai\/second: left/);
  });

  test("D4 a provider that names a long wait is left alone for that long, also by other runs", async () => {
    const clock = steppedClock();
    const patient = new ModelError("rate limited", "HTTP 429", { retryable: true, retryAfterMs: 600_000 });
    const models = scripted(patient, "second", "second", "first");
    const router = routerOf(models, config(), clock);
    await askWith(models, config(), router);
    await askWith(models, config(), router);
    expect(models.asked).toEqual(["first", "second", "second"]);
    clock.pass(600_000);
    await askWith(models, config(), router);
    expect(models.asked.at(-1)).toBe("first");
  });

  test("D4 the last model's wait is granted, and never cut short", async () => {
    const clock = steppedClock();
    const began = clock.now();
    const minute = new ModelError("rate limited", "HTTP 429", { retryable: true, retryAfterMs: 60_000 });
    const one = config({ models: [config().models[0]] });
    const models = scripted(minute, "hi");
    expect((await askWith(models, one, routerOf(models, one, clock))).text).toBe("hi");
    expect(clock.now() - began).toBeGreaterThanOrEqual(60_000);
  });
});

test("calls in flight are limited for the whole agent, in the order in which they came", async () => {
  const order: string[] = [];
  let open = 0;
  let most = 0;
  const models: ModelCaller = {
    async call(_, request) {
      most = Math.max(most, ++open);
      order.push(request.messages[0]!.content);
      await new Promise((resolve) => setTimeout(resolve, 5));
      open--;
      return reply("hi");
    },
  };
  const settings = config({ limits: { calls: 2, outputTokens: 10 } });
  const router = routerOf(models, settings);
  const names = ["a", "b", "c", "d", "e", "f"];
  await Promise.all(names.map((content) => askWith(models, settings, router, [{ role: "user", content }])));
  expect([most, order]).toEqual([2, names]);
});

test("each kind of work has its own order of models", async () => {
  const settings = config({
    models: [
      { provider: "anthropic", model: "coder", keyFile: "k", price, for: ["code"] },
      { provider: "openai", model: "talker", keyFile: "k", price, for: ["chat"] },
      { provider: "openai", model: "all", keyFile: "k", price },
    ],
  });
  const models = scripted(refused(), "hi");
  await askWith(models, settings);
  expect(models.asked).toEqual(["talker", "all"]);
});

describe("D8 a conversation that is too long", () => {
  const tooLong = () => new ModelError("too long", "prompt is too long", { retryable: false });
  const long: readonly ModelMessage[] = ["one", "two", "three", "four"].flatMap((word): ModelMessage[] => [
    { role: "user", content: `question ${word}` },
    { role: "assistant", content: `answer ${word}` },
  ]);
  const conversation: readonly ModelMessage[] = [...long, { role: "user", content: "the last question" }];

  test("is sent once more, its older half left out, and the answer comes", async () => {
    const requests: ModelRequest[] = [];
    const models: ModelCaller = {
      async call(_, request) {
        requests.push(request);
        if (requests.length === 1) throw tooLong();
        return reply("hi");
      },
    };
    expect((await askWith(models, config(), undefined, conversation)).text).toBe("hi");
    expect(requests[1]!.messages.length).toBeLessThan(6);
    expect(requests[1]!.messages[0]).toMatchObject({ role: "user", content: expect.stringContaining("left out") });
    expect(requests[1]!.messages.at(-1)!.content).toBe("the last question");
    expect(requests).toHaveLength(2);
  });

  test("and stays so ends with one plain answer; the next mention is asked anew", async () => {
    const models = scripted(tooLong(), tooLong(), tooLong(), "fine");
    const router = routerOf(models);
    const answer = await askWith(models, config(), router, conversation);
    expect(models.asked).toEqual(["first", "first", "second"]);
    expect(answer.text).toContain("Please ask again in a new thread.");
    expect((await askWith(models, config(), router)).text).toBe("fine");
  });

  test("also where it is one message alone", async () => {
    const models = scripted(tooLong(), "hi");
    const one: readonly ModelMessage[] = [{ role: "user", content: "x".repeat(1000) }];
    expect((await askWith(models, config(), undefined, one)).text).toBe("hi");
  });
});

describe("D12", () => {
  const finished = (text: string, finish: string): ModelCaller => ({
    call: async () => ({ ...reply(text), finish }),
  });

  test("what a model wrote before it declined is no answer", async () => {
    const answer = await askWith(finished("Sure, here is how", "content-filter"));
    expect(answer.text).toContain("anthropic/first: declined to answer; openai/second: declined to answer");
  });

  test("thinking alone is no answer", async () => {
    expect((await askWith(finished(" ", "length"))).text).toContain("anthropic/first: empty answer");
  });

  test("an answer that was cut says so", async () => {
    expect((await askWith(finished("Half of i", "length"))).text).toMatch(/^Half of i\n\n\(My answer was cut/);
  });
});

test("what a provider had in its cache costs the cached price, in the journal and of the day's money", async () => {
  const cached = { ...price, cachedInput: 1 };
  const settings = config({ models: [{ provider: "anthropic", model: "first", keyFile: "k", price: cached }] });
  const models: ModelCaller = { call: async () => ({ ...reply("hi"), cachedTokens: 900 }) };
  await askWith(models, settings);
  // 100 fresh tokens at 10, 900 cached ones at 1, 100 said at 100, each per million.
  const usd = (100 * 10 + 900 * 1 + 100 * 100) / 1e6;
  const step = store.get<{ usd: number; cached_tokens: number }>(
    "SELECT usd, cached_tokens FROM steps WHERE kind = 'model'",
  )!;
  expect(step.cached_tokens).toBe(900);
  expect(step.usd).toBeCloseTo(usd, 10);
  expect(spentSince(store, 0).usd).toBeCloseTo(usd, 10);
  // Where nobody wrote a price for it down, it is what any other token costs.
  await askWith(models);
  expect(spentSince(store, 0).usd).toBeCloseTo(usd + (1000 * 10 + 100 * 100) / 1e6, 10);
});
