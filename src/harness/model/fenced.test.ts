import { expect, test } from "vitest";
import { agentConfig } from "../../../test/support/agent-config.ts";
import { runLoop } from "../loop/loop.ts";
import { type ModelCaller, ModelError, type ModelMessage, type ModelReply, type ModelRequest } from "../model-port.ts";
import type { Tool } from "../tools/tool.ts";
import { fencedWhereNeeded } from "./fenced.ts";

const choice = agentConfig().models[0]!;
const never = new AbortController().signal;
const parameters = (field: string, type = "string") => ({
  type: "object",
  properties: { [field]: { type } },
  required: [field],
});
const tools = [
  { name: "bash", description: "Runs a script.", parameters: parameters("script") },
  { name: "plan", description: "Takes a list.", parameters: parameters("steps", "array") },
];
const request: ModelRequest = {
  system: "You work.",
  messages: [{ role: "user", content: "go" }],
  tools,
  maxOutputTokens: 100,
};

/** A model that refuses tools as Ollama does, and answers from a list. */
function plain(answers: readonly (string | Partial<ModelReply>)[], refusal = "HTTP 400: tiny does not support tools") {
  const asked: ModelRequest[] = [];
  const caller: ModelCaller = {
    async call(_, one) {
      asked.push(one);
      if ((one.tools?.length ?? 0) > 0) throw new ModelError("request refused", refusal, { retryable: false });
      const answer = answers[Math.min(asked.length - 2, answers.length - 1)]!;
      const reply = { text: "", finish: "stop", inputTokens: 1, cachedTokens: 0, outputTokens: 1 };
      return typeof answer === "string" ? { ...reply, text: answer } : { ...reply, ...answer };
    },
  };
  return { asked, caller: fencedWhereNeeded(caller) };
}
const call = async (answer: string | Partial<ModelReply>) => plain([answer]).caller.call(choice, request, never);

test("a model that knows no tools is told of them in words, from its first refusal on", async () => {
  const { asked, caller } = plain(["I look.\n```bash\nls -la\n```\nIt prints: nothing"]);
  expect(await caller.call(choice, request, never)).toMatchObject({
    text: "I look.",
    calls: [{ id: "block-1", name: "bash", input: { script: "ls -la" } }],
  });
  expect(asked.map((one) => one.tools?.length)).toEqual([2, undefined]);
  expect(asked[1]!.system).toMatch(/^You work\.\n\n[\s\S]*- bash: Runs a script\. In the block: the text of "script"/);
  await caller.call(choice, request, never);
  expect(asked).toHaveLength(3);
});

test("other refusals stay refusals, and models that know tools are asked as ever", async () => {
  const { caller } = plain([""], "HTTP 400: unknown model");
  await expect(caller.call(choice, request, never)).rejects.toThrow("unknown model");
  const { tools: _, ...bare } = request;
  const seen: ModelRequest[] = [];
  const knows: ModelCaller = {
    async call(_, one) {
      seen.push(one);
      return { text: "```bash\nx\n```", finish: "stop", inputTokens: 0, cachedTokens: 0, outputTokens: 0 };
    },
  };
  expect((await fencedWhereNeeded(knows).call(choice, request, never)).calls).toBeUndefined();
  await fencedWhereNeeded(knows).call(choice, bare, never);
  expect(seen).toEqual([request, bare]);
});

test("blocks: longer fences, none that are not a tool's, JSON where it is needed, one that is cut", async () => {
  expect((await call("````bash\ncat <<E\n```\nE\n````")).calls?.[0]?.input).toEqual({ script: "cat <<E\n```\nE" });
  expect(await call("```python\nprint(1)\n```")).not.toHaveProperty("calls");
  expect((await call('```plan\n{"steps": [1]}\n```')).calls?.[0]?.input).toEqual({ steps: [1] });
  expect((await call("```plan\nfirst\n```")).calls?.[0]?.invalid).toMatch(/JSON/);
  expect(await call({ text: "```bash\nls", finish: "length" })).toMatchObject({
    finish: "length",
    calls: [{ input: { script: "ls" } }],
  });
});

test("D15 a whole run: what was called and what came of it is told, each request begins with the one before", async () => {
  const model = plain(["```bash\nfirst\n```", "then\n\n```bash\nsecond\n```", "```bash\nlast\n```"]);
  const bash: Tool = {
    spec: tools[0]!,
    run: async (input) => {
      const { script } = input as { script: string };
      return script === "last"
        ? { text: "", ends: { answer: "done", outcome: "answered" } }
        : { text: `ran ${script}` };
    },
  };
  const kept: ModelMessage[] = [];
  const end = await runLoop(
    {
      next: async (one) => ({
        reply: await model.caller.call(choice, { ...one, maxOutputTokens: 100 }, never),
        messages: one.messages,
      }),
      tools: [bash],
      limits: { steps: 10, time: 1e6, window: 100_000 },
      clock: { now: () => 0 },
      journal: { load: () => [], append: (message) => void kept.push(message) },
      ran: () => undefined,
      textEnds: false,
      person: undefined,
    },
    "You work.",
    request.messages,
    never,
  );
  expect(end.outcome).toBe("answered");
  expect(kept.flatMap(({ calls = [] }) => calls.map(({ id }) => id))).toEqual(["block-1", "block-2", "block-3"]);
  const last = model.asked.at(-1)!.messages;
  expect(last.map(({ role, content }) => `${role}: ${content}`)).toEqual([
    "user: go",
    "assistant: ```bash\nfirst\n```",
    "user: Outcome of bash:\nran first",
    "assistant: then\n\n```bash\nsecond\n```",
    "user: Outcome of bash:\nran second",
  ]);
  for (const one of model.asked.slice(1)) expect(last.slice(0, one.messages.length)).toEqual(one.messages);
});
