/** Commands are answered beside all work, for people who may, and do what they say also over crashes. */
import { afterEach, expect, test, vi } from "vitest";
import { type Play, type PlayedAgent, playedAgent, playedTeam, soon } from "../../test/support/played-agent.ts";
import type { FakeChatServer } from "./chat/fake.ts";
import { commandOf } from "./command-names.ts";

vi.setConfig({ testTimeout: 120_000 });

let server: FakeChatServer;
let agent: PlayedAgent;
/** Answers that are being waited for; those whose request was ended. */
let pending: ((text: string) => void)[];
let ended: number;
afterEach(() => agent?.close());

const slow: Play = (_, signal) =>
  new Promise((resolve, reject) => {
    pending.push(resolve);
    signal.addEventListener("abort", () => {
      ended++;
      reject(signal.reason as Error);
    });
  });

async function begin(play: Play = slow): Promise<void> {
  server = playedTeam();
  pending = [];
  ended = 0;
  agent = await playedAgent(server, play, { change: { limits: { runs: 2, modelTimeout: 1e6 } } });
}

const inThread = (rootId: string, text: string, by = "alice-id") => server.say(by, "work", text, { rootId });

test("only the whole post is a command", () => {
  expect(
    ["@athena !stop", "!stop", " @Athena: !STOP ", "!stop @athena"].map((text) => commandOf(text, "athena")),
  ).toEqual(Array(4).fill("stop"));
  for (const text of ["@athena !stop it", "@athena stop", "@athena !halt", "@hermes !stop", "say `!stop`"])
    expect(commandOf(text, "athena"), text).toBeUndefined();
});

test("!status, !cost and !help are answered while every slot is taken, without a model call", async () => {
  await begin();
  const first = server.say("alice-id", "work", "@athena one");
  for (const text of ["@athena two", "@athena three"]) server.say("bob-id", "work", text);
  await soon(() => pending.length).toBe(2);
  inThread(first.id, "@athena !status");
  await soon(() => agent.said(first.id).at(-1)).toMatch(
    /^I am working on 2 things, 1 waiting\.\n- here: working for \d+ s, last model\n- chat: connected\n- spent today: \$/,
  );
  inThread(first.id, "@athena !cost", "bob-id");
  await soon(() => agent.said(first.id).at(-1)).toMatch(/^- this thread: \$.* in 1 calls\n- today: \$.* of \$1\.00/);
  const direct = server.say("alice-id", "direct", "!help");
  await soon(() => agent.said(direct.id)).toEqual([expect.stringContaining("`!retry`")]);
  expect(agent.calls).toHaveLength(2);
});

test("D13 !stop ends the model's request, all that was asked in the thread, and says so last", async () => {
  await begin();
  const post = server.say("alice-id", "work", "@athena write a book");
  inThread(post.id, "@athena and a second one", "bob-id");
  const other = server.say("bob-id", "work", "@athena something else");
  await soon(() => pending.length).toBe(2);
  inThread(post.id, "@athena !stop", "bob-id");
  await soon(() => agent.said(post.id)).toEqual([
    "Stopped: 2 pieces of work in this thread. `!retry` begins the last one again.",
  ]);
  expect(ended).toBe(1);
  for (const answer of pending) answer("late");
  await soon(() => agent.said(other.id)).toEqual(["late"]);
  await soon(() => agent.harness.state().running).toEqual([]);
  expect(agent.said(post.id)).toHaveLength(1);
  expect(agent.ended()).toContainEqual({ state: "failed", outcome: "stopped by bob" });
  await agent.restart();
  await soon(() => agent.harness.state().caughtUpAt).toBeDefined();
  expect([agent.said(post.id).length, agent.calls.length]).toEqual([1, 2]);
});

test("D13 !stop outside of threads is for the channel; a later mention is not touched; nothing to stop is said", async () => {
  await begin();
  const post = server.say("alice-id", "work", "@athena write a book");
  await soon(() => pending.length).toBe(1);
  const stop = server.say("alice-id", "work", "@athena !stop");
  await soon(() => agent.said(stop.id)).toEqual([expect.stringContaining("1 piece of work in this channel")]);
  const again = server.say("alice-id", "work", "@athena !stop");
  await soon(() => agent.said(again.id)).toEqual(["There is nothing to stop in this channel."]);
  const later = server.say("alice-id", "work", "@athena hello");
  await soon(() => pending.length).toBe(2);
  pending[1]!("hello");
  await soon(() => agent.said(later.id)).toEqual(["hello"]);
  expect(agent.said(post.id)).toEqual([]);
});

test("!retry asks the last question of the thread again, once, also after a crash in between", async () => {
  let answer = 0;
  await begin(async () => `answer ${++answer}`);
  const post = server.say("alice-id", "work", "@athena toss a coin");
  await soon(() => agent.said(post.id)).toEqual(["answer 1"]);
  const retry = inThread(post.id, "@athena !retry", "bob-id");
  await soon(() => agent.said(post.id)).toEqual(["answer 1", "answer 2"]);
  const asked = agent.calls[1]!.messages;
  expect(asked.map(({ content }) => content)).toEqual([
    "[alice] @athena toss a coin",
    "answer 1",
    "[bob] @athena toss a coin",
  ]);
  // As after a crash before the command was noted as done.
  await agent.harness.stop();
  agent.store.run("UPDATE runs SET state = 'running', ended_at = NULL WHERE kind = 'command'");
  await agent.restart();
  await soon(() => agent.harness.state().running).toEqual([]);
  expect(agent.said(post.id)).toHaveLength(2);
  expect(server.reactions.get(retry.id)?.size).toBe(1);
  inThread(post.id, "@athena and now?");
  await soon(() => agent.said(post.id)).toHaveLength(3);
  expect(JSON.stringify(agent.calls[2]!.messages)).toContain("answer 2");
  expect(JSON.stringify(agent.calls[2]!.messages)).not.toContain("retry");
});

test("!retry of what was deleted by then says so", async () => {
  await begin(async () => "done");
  const root = server.say("bob-id", "work", "look at this");
  const wish = inThread(root.id, "@athena delete the branch");
  await soon(() => agent.said(root.id)).toEqual(["done"]);
  server.remove(wish.id);
  inThread(root.id, "@athena !retry");
  await soon(() => agent.said(root.id)).toEqual(["done", "That was deleted: I do not do it again."]);
  expect(agent.calls).toHaveLength(1);
});

test("!retry while it works, or where nothing was asked, says so", async () => {
  await begin();
  const empty = server.say("alice-id", "direct", "!retry");
  await soon(() => agent.said(empty.id)).toEqual(["There is nothing here that I could try again."]);
  const post = server.say("alice-id", "work", "@athena think");
  await soon(() => pending.length).toBe(1);
  inThread(post.id, "@athena !retry");
  await soon(() => agent.said(post.id)).toEqual(["I am still at it. `!stop` ends it."]);
});

test("who may not command gets the notice and stops nothing; nor does another agent", async () => {
  await begin();
  const post = server.say("alice-id", "work", "@athena think");
  await soon(() => pending.length).toBe(1);
  inThread(post.id, "@athena !stop", "mallory-id");
  server.say("hermes-id", "work", "@athena !stop", { automatic: true });
  await soon(() => pending.length).toBe(2);
  pending[0]!("done");
  await soon(() => agent.said(post.id)).toEqual(["done", expect.stringContaining("only for people")]);
  expect(ended).toBe(0);
});

test("numbers that are no gate's are asked about like anything; the word for a gate that is not there is answered once it is said to us", async () => {
  await begin(async () => "an answer");
  const question = server.say("alice-id", "work", "@athena why was the PR with head 3f9a1c22d0 approved?");
  await soon(() => agent.said(question.id)).toEqual(["an answer"]);
  const word = server.say("alice-id", "work", "@athena !approve 3f9a1c22d0");
  await soon(() => agent.said(word.id)).toEqual([expect.stringContaining("no gate `3f9a1c22d0`")]);
  const direct = server.say("alice-id", "direct", "!refuse 3f9a1c22d0");
  await soon(() => agent.said(direct.id)).toEqual([expect.stringContaining("no gate")]);
  // To nobody by name: it may be another agent's.
  const open = server.say("alice-id", "work", "!approve 3f9a1c22d0");
  await soon(() => agent.ended().length).toBe(4);
  expect(agent.said(open.id)).toEqual([]);
  expect(agent.ended().at(-1)).toEqual({ state: "done", outcome: "done: nothing to say" });
});
