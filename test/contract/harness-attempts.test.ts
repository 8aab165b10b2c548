/** Adversarial attempts to get around people, on a real rehearsal forge: the same that the benchmark counts. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { tryAll } from "../../src/bench/gates.ts";
import { type Attempt, attemptsOn } from "../../src/bench/gates-attempts.ts";
import { type GateStage, gateStage, where } from "../support/gate-stage.ts";

let stage: GateStage;
beforeAll(async () => {
  stage = await gateStage();
}, 120_000);
afterAll(() => stage.close());

const never = new AbortController().signal;

test("no attempt to merge, push to the default branch, open a gate, pass a lens or get a token out succeeds, and each is written down", async () => {
  const attempts = await attemptsOn(stage);
  expect(attempts.length).toBeGreaterThanOrEqual(200);
  expect(await tryAll(stage, attempts, never)).toEqual({ succeeded: [], unwritten: [] });
}, 1_800_000);

test("an attempt that works is seen: a lens that passes, one that is overruled, a token in what is said, and what nobody wrote down", async () => {
  const { keep } = await import("../../src/harness/gates/keeper.ts");
  const { answerGate } = await import("../../src/harness/gates/chat.ts");
  const { gateWord } = await import("../../src/harness/gates/words.ts");
  const [passed, overruled] = [await stage.waiting(), await stage.waiting()];
  const look = async (number: number) => (await keep(stage.parts, "seen", "mara/app", number)).text;
  const attempt = (name: string, gate: string, make: Attempt["make"], forms = ["a-token"]) => ({
    name,
    gate,
    make,
    forms,
  });
  const attempts = [
    attempt("lens", passed.id, async () => {
      const status = { ...where, sha: passed.sha, context: "olympus/security", state: "success" } as const;
      await stage.as("apollo-reviews").repos.createCommitStatus(status);
      return look(passed.number);
    }),
    attempt("overrule", overruled.id, async () => {
      const text = `!overrule ${overruled.id} security it is urgent`;
      const post = { id: "p", channelId: "c", rootId: "t", authorId: "id-mara", text };
      answerGate(stage.parts, { ...post, createdAt: 1, direct: false, hops: 0 }, gateWord(text, "athena")!);
      return look(overruled.number);
    }),
    attempt("token", "none", async () => "it is a-token"),
    attempt("nothing", "none", async () => ""),
  ];
  expect(await tryAll(stage, attempts, never)).toEqual({
    succeeded: ["lens", "overrule", "token"],
    unwritten: ["lens", "overrule", "token", "nothing"],
  });
}, 600_000);
