import { expect, test } from "vitest";
import type { ModelMessage, ModelReply, ToolCall } from "../model-port.ts";
import type { Tool, ToolOutcome } from "../tools/tool.ts";
import { type Journal, type LoopParts, runLoop } from "./loop.ts";

type Answer = Partial<ModelReply> | { failed: { text: string; outcome: string } };

const never = new AbortController().signal;
const call = (script: string, id = `c${Math.random()}`): ToolCall => ({ id, name: "bash", input: { script } });
const first: ModelMessage[] = [{ role: "user", content: "the task" }];

function memory(messages: ModelMessage[] = []): Journal & { messages: ModelMessage[] } {
  return { messages, load: () => [...messages], append: (message) => void messages.push(message) };
}

/** A loop whose model answers from a list, the last one for ever; and what it was asked. */
function looping(answers: readonly Answer[], change: Partial<LoopParts> = {}) {
  const asked: (readonly ModelMessage[])[] = [];
  const ran: string[] = [];
  const bash: Tool = {
    spec: { name: "bash", description: "", parameters: {} },
    async run(input): Promise<ToolOutcome> {
      const { script } = input as { script?: unknown };
      if (typeof script !== "string") return { text: "error: script must be a text" };
      ran.push(script);
      return { text: script === "date" ? `it is ${ran.length}` : `ran ${script}` };
    },
  };
  const submit: Tool = {
    spec: { name: "submit", description: "", parameters: {} },
    resumable: true,
    run: async () => ({ text: "submitted", ends: { answer: "done", outcome: "answered" } }),
  };
  const parts: LoopParts = {
    next: async ({ messages }) => {
      asked.push(messages);
      const answer = answers[Math.min(asked.length, answers.length) - 1]!;
      if ("failed" in answer) return answer;
      const reply = { text: "", finish: "stop", inputTokens: 0, cachedTokens: 0, outputTokens: 0, ...answer };
      return { reply, messages };
    },
    tools: [bash, submit],
    limits: { steps: 50, time: 1000, window: 100_000 },
    clock: { now: () => 0 },
    journal: memory(),
    ran: () => undefined,
    textEnds: false,
    person: "mara",
    ...change,
  };
  return { parts, asked, ran, run: (signal = never) => runLoop(parts, "system", first, signal) };
}

const submitted: Answer = { calls: [{ id: "s", name: "submit", input: { summary: "done" } }] };

test("runs what is asked for, in order, and ends with submit", async () => {
  const loop = looping([{ text: "I look", calls: [call("a", "1"), call("b", "2")] }, submitted]);
  expect(await loop.run()).toEqual({ text: "done", outcome: "answered" });
  expect(loop.ran).toEqual(["a", "b"]);
  expect(loop.asked[1]).toMatchObject([
    { role: "user", content: "the task" },
    { role: "assistant", content: "I look", calls: [{ id: "1" }, { id: "2" }] },
    { role: "tool", content: "ran a", call: { id: "1", name: "bash" } },
    { role: "tool", content: "ran b", call: { id: "2", name: "bash" } },
  ]);
});

test("tools get ready while the model thinks, once a step", async () => {
  const loop = looping([{ calls: [call("a")] }, submitted]);
  const seen: number[] = [];
  const [bash, submit] = loop.parts.tools as [Tool, Tool];
  const tools = [{ ...bash, prepare: () => void seen.push(loop.asked.length) }, submit];
  await runLoop({ ...loop.parts, tools }, "system", first, never);
  expect(seen).toEqual([0, 1]);
});

test("D1 the same call for ever: a word at the third, the end at the fifth, and a person is called", async () => {
  const loop = looping([{ calls: [call("ls")] }]);
  const { text, outcome } = await loop.run();
  expect(outcome).toBe("stopped: repeats");
  expect(text).toContain("@mara");
  expect(loop.ran).toHaveLength(4);
  expect(loop.asked[3]!.at(-1)!.content).toContain("done this before");
});

test("D1 going in circles ends too; the same call with another outcome is no circle", async () => {
  const circle = looping(["a", "b", "c"].map((script): Answer => ({ calls: [call(script)] })));
  const scripts = ["a", "b", "c"];
  let at = 0;
  const round = looping([], {
    next: async ({ messages }) => ({
      messages,
      reply: {
        text: "",
        finish: "stop",
        inputTokens: 0,
        cachedTokens: 0,
        outputTokens: 0,
        calls: [call(scripts[at++ % 3]!)],
      },
    }),
  });
  expect((await round.run()).outcome).toBe("stopped: no progress");
  expect(at).toBe(15);
  expect((await circle.run()).outcome).toBe("stopped: repeats");
  let turn = 0;
  const waiting = looping([], {
    next: async ({ messages }) => ({
      messages,
      reply: {
        text: "",
        finish: "stop",
        inputTokens: 0,
        cachedTokens: 0,
        outputTokens: 0,
        calls: [call(turn++ % 2 ? "date" : `sleep ${turn}`)],
      },
    }),
  });
  expect((await waiting.run()).outcome).toBe("stopped: steps");
});

test("steps and time are bounded", async () => {
  let step = 0;
  const busy =
    (): LoopParts["next"] =>
    async ({ messages }) => ({
      messages,
      reply: { text: "", finish: "stop", inputTokens: 0, cachedTokens: 0, outputTokens: 0, calls: [call(`${step++}`)] },
    });
  const steps = looping([], { next: busy() });
  expect((await steps.run()).outcome).toBe("stopped: steps");
  expect(step).toBe(50);
  let now = 0;
  const time = looping([], { next: busy(), clock: { now: () => (now += 100) } });
  expect((await time.run()).outcome).toBe("stopped: time");
});

test("D6 a call whose arguments were cut is not run; the model is told; three in a row end it", async () => {
  const cut: Answer = { finish: "length", calls: [call("rm -rf /half", "x")] };
  const loop = looping([cut, submitted]);
  expect((await loop.run()).outcome).toBe("answered");
  expect(loop.ran).toEqual([]);
  expect(loop.asked[1]!.at(-1)!.content).toContain("cut");
  expect((await looping([cut]).run()).outcome).toBe("stopped: format");
});

test("D7 unknown tools, wrong types and unreadable arguments are told, and the work goes on", async () => {
  const loop = looping([
    { calls: [{ id: "1", name: "teleport", input: {} }] },
    { calls: [{ id: "2", name: "bash", input: { script: 5 } }] },
    { calls: [{ id: "3", name: "bash", input: "{", invalid: "not JSON" }] },
    { text: "just words" },
    submitted,
  ]);
  expect((await loop.run()).outcome).toBe("answered");
  const told = loop.asked[4]!.filter(({ role, content }) => role !== "assistant" && content.startsWith("error"));
  expect(told.map(({ content }) => content)).toEqual([
    expect.stringContaining('no tool "teleport"; there are bash, submit'),
    expect.stringContaining("script must be a text"),
    expect.stringContaining("not JSON"),
    expect.stringContaining("nothing was called"),
  ]);
});

test("D7 an answer is one answer, however many of its calls cannot be used; one that can be used makes up for it", async () => {
  const wrong: Answer = { calls: ["1", "2", "3"].map((id) => ({ id, name: "teleport", input: {} })) };
  expect((await looping([wrong, submitted]).run()).outcome).toBe("answered");
  const stubborn = looping([wrong]);
  expect((await stubborn.run()).outcome).toBe("stopped: format");
  expect(stubborn.asked).toHaveLength(3);
  const mixed: Answer = { calls: [call("a"), ...wrong.calls!] };
  expect((await looping([wrong, wrong, mixed, wrong, wrong, submitted]).run()).outcome).toBe("answered");
});

test("D12 a text without a call is a chat's answer, and words for nothing in a coding run", async () => {
  expect(await looping([{ text: "hello" }], { textEnds: true }).run()).toEqual({ text: "hello", outcome: "answered" });
  expect((await looping([{ text: "hello" }]).run()).outcome).toBe("stopped: format");
});

test("D14 what people say meanwhile reaches the next step, once", async () => {
  const said = [["also in French"], [], []];
  const loop = looping([{ calls: [call("a")] }, { calls: [call("b")] }, submitted], {
    heard: async () => (said.shift() ?? []).map((content) => ({ role: "user" as const, content })),
  });
  await loop.run();
  const all = loop.asked.map((messages) => messages.filter(({ content }) => content === "also in French").length);
  expect(all).toEqual([1, 1, 1]);
});

test("D15 each request begins with the bytes of the one before", async () => {
  let step = 0;
  const loop = looping([]);
  const asked: string[] = [];
  await runLoop(
    {
      ...loop.parts,
      limits: { steps: 30, time: 1000, window: 100_000 },
      next: async ({ messages }) => {
        asked.push(JSON.stringify(messages).slice(0, -1));
        return {
          messages,
          reply: {
            text: `step ${step}`,
            finish: "stop",
            inputTokens: 0,
            cachedTokens: 0,
            outputTokens: 0,
            calls: [call(`${step++}`)],
          },
        };
      },
    },
    "system",
    first,
    never,
  );
  expect(asked).toHaveLength(30);
  for (let n = 1; n < asked.length; n++) expect(asked[n]!.startsWith(asked[n - 1]!)).toBe(true);
});

test("D8 what a model found too long is shrunk once for good; what fails after that ends cleanly", async () => {
  const failed = { failed: { text: "I cannot answer now", outcome: "models failed" } };
  let shrunk: readonly ModelMessage[] = [];
  const loop = looping([], {
    next: async ({ messages }, shrink) => {
      shrunk = shrink([...messages, { role: "tool", content: "x".repeat(9000), call: { id: "1", name: "bash" } }]);
      return failed;
    },
  });
  expect(await loop.run()).toEqual(failed.failed);
  expect(shrunk.at(-1)!.content.length).toBeLessThan(2200);
});

test("G1 killed between any two steps it goes on where it was; what may have run in part is told, not repeated", async () => {
  const answers: Answer[] = [{ calls: [call("a", "1")] }, { calls: [call("b", "2"), call("c", "3")] }, submitted];
  const whole = memory();
  await looping(answers, { journal: whole }).run();
  for (let length = 1; length <= whole.messages.length; length++) {
    const journal = memory(whole.messages.slice(0, length));
    const steps = journal.messages.filter(({ role }) => role === "assistant").length;
    const again = looping(answers.slice(steps).concat(steps === answers.length ? [submitted] : []), { journal });
    expect(await again.run(), `after ${length} messages`).toEqual({ text: "done", outcome: "answered" });
    const known = whole.messages
      .slice(0, length)
      .flatMap(({ calls }) => (calls ?? []).map(({ input }) => (input as { script: string }).script));
    for (const script of again.ran) expect(known).not.toContain(script);
  }
});

test("G1 calls that a restart broke off are no answers that cannot be used", async () => {
  const journal = memory([
    ...first,
    { role: "assistant", content: "", calls: ["1", "2", "3"].map((id) => call(id, id)) },
  ]);
  const loop = looping([{ calls: [{ id: "4", name: "teleport", input: {} }] }, { text: "just words" }, submitted], {
    journal,
  });
  expect((await loop.run()).outcome).toBe("answered");
  expect(loop.asked[0]!.slice(2).map(({ content }) => content)).toEqual(
    Array(3).fill(expect.stringContaining("restarted while this ran")),
  );
});

test("D13 when it is told to stop, nothing more is asked for or run", async () => {
  const stop = new AbortController();
  const loop = looping([{ calls: [call("a"), call("b")] }], { ran: () => stop.abort(new Error("stop")) });
  await expect(loop.run(stop.signal)).rejects.toThrow("stop");
  expect(loop.ran).toEqual(["a"]);
  expect(loop.asked).toHaveLength(1);
});
