import { expect, test } from "vitest";
import { choose, fill, fillInput, loadScript, type ScriptAnswer, scriptSchema } from "./script.ts";

const system =
  'You are athena, an AI employee of the team "lab". x\n\nFacts about your team:\n- hypervisor r420\n- agent athena\n\nRules';
const say = (text: string, script = loadScript(), used = new Map<ScriptAnswer, number>()) => {
  const { answer, match } = choose(script, { model: "m", messages: [{ role: "user", content: text }] }, used)!;
  return fill(answer.reply, match, system);
};

test("the built-in script knows who it plays, what it was told, and says that it is a rehearsal", () => {
  expect(say("@athena who are you?")).toContain("I am athena");
  expect(say("list the hypervisors")).toContain("- hypervisor r420\n- agent athena");
  for (const text of ["who are you", "hypervisors", "hello", "anything else"]) expect(say(text)).toContain("rehearsal");
});

test("groups are filled in, and used-up answers give way to the next", () => {
  const script = scriptSchema.parse({
    answers: [
      { match: "say (\\w+)", reply: "$1!", times: 1 },
      { match: ".*", reply: "again" },
    ],
  });
  const used = new Map<ScriptAnswer, number>();
  expect([say("say cheese", script, used), say("say cheese", script, used)]).toEqual(["cheese!", "again"]);
});

test("an answer may be meant for one model only", () => {
  const script = scriptSchema.parse({ answers: [{ match: ".", model: "^first$", status: 529 }, { match: "." }] });
  const messages = [{ role: "user" as const, content: "x" }];
  const chosen = (model: string) => choose(script, { model, messages }, new Map())?.answer.status;
  expect([chosen("first"), chosen("second")]).toEqual([529, undefined]);
});

test("a wrong script is named with its mistake", () => {
  expect(() => loadScript("/nowhere.yaml")).toThrow(/the rehearsal script is wrong/);
  expect(scriptSchema.safeParse({ answers: [{ match: "(", reply: "x" }] }).success).toBe(false);
});

test("the built-in script works on a repository where tools for it are offered, and only talks elsewhere", () => {
  const script = loadScript();
  const turn = (content: string, tools: string[]) => {
    const { answer, match } = choose(script, { model: "m", messages: [{ role: "user", content }], tools }, new Map())!;
    return answer.tools.map(({ name, input }) => [name, fillInput(input, match, system)]);
  };
  const wish = "@athena please open an issue: say hello to $2 people";
  expect(turn(wish, ["create_issue"])).toMatchObject([["create_issue", { title: "say hello to $2 people" }]]);
  expect(turn(wish, [])).toEqual([]);
  expect(turn("Issue #7 of the repository.\n\n…", ["bash", "submit"])).toMatchObject([
    ["bash", { script: expect.stringContaining("Issue #7 was") as string }],
  ]);
  expect(turn("[exit code 0]\nhello", ["bash", "submit"])).toMatchObject([["submit", {}]]);
  expect(turn("Review olympus/greet#2 through the lens security.", ["finish_review"])).toMatchObject([
    ["finish_review", { verdict: "pass", findings: [] }],
  ]);
});
