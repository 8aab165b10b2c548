/** Several agents in one chat: what they say to each other is bounded. */
import { afterEach, expect, test, vi } from "vitest";
import { agentNames, type PlayedAgent, playedAgent, playedTeam, soon } from "../../test/support/played-agent.ts";
import { systemClock } from "./clock.ts";

vi.setConfig({ testTimeout: 120_000 });

let agents: PlayedAgent[] = [];
afterEach(async () => {
  for (const agent of agents) await agent.close();
  agents = [];
});

const quiet = () => agents.every(({ harness }) => harness.state().running.length + harness.state().waiting === 0);

test("B9 a person mentions all eight: eight answers, of which none leads to another", async () => {
  const server = playedTeam();
  for (const agent of agentNames)
    agents.push(await playedAgent(server, async () => `${agent} agrees with hermes and athena.`, { agent }));
  const post = server.say("alice-id", "work", agentNames.map((name) => `@${name}`).join(" "));
  await soon(() => server.thread(post.id).length).toBe(1 + agentNames.length);
  await soon(quiet).toBe(true);
  expect(new Set(server.thread(post.id).map(({ authorId }) => authorId)).size).toBe(1 + agentNames.length);
  expect(agents.map(({ calls }) => calls.length)).toEqual(agentNames.map(() => 1));
});

test("B9 eight agents that mention one another for ever, all mentioned by one person: bounded, with one post that calls the person", async () => {
  const server = playedTeam();
  const all = agentNames.map((name) => `@${name}`).join(" ");
  // Slow enough that those who come to the end together have time for one to say it.
  const clock = systemClock(5);
  for (const agent of agentNames)
    agents.push(await playedAgent(server, async () => `Thank you, ${all}!`, { agent, clock }));
  const post = server.say("alice-id", "work", all);
  const stops = () => server.thread(post.id).filter(({ text }) => text.startsWith("I stop here"));
  await soon(() => stops().length).toBe(1);
  await soon(quiet).toBe(true);
  expect(stops().map(({ text }) => text)).toEqual([expect.stringContaining("@alice, please say how to go on.")]);
  // Of each its answer to the person, and no more to other agents than four.
  for (const { calls } of agents) expect(calls.length).toBeLessThanOrEqual(5);
  for (const { ended } of agents) expect(ended().filter(({ state }) => state === "failed")).toEqual([]);
});

test("B1 in the same thread, once a person said to go on, a second round ends as the first did", async () => {
  const server = playedTeam();
  const thanks = (agent: string, other: string) =>
    playedAgent(server, async () => `Thank you, @${other}! After you.`, { agent });
  agents = [await thanks("athena", "hermes"), await thanks("hermes", "athena")];
  const post = server.say("alice-id", "work", "@athena say hello to hermes");
  const stops = () => server.thread(post.id).filter(({ text }) => text.startsWith("I stop here"));
  await soon(() => stops().length).toBe(1);
  await soon(quiet).toBe(true);
  server.say("alice-id", "work", "@athena go on then", { rootId: post.id });
  await soon(() => stops().length).toBe(2);
  await soon(quiet).toBe(true);
  expect(server.thread(post.id)).toHaveLength(12);
  expect(server.thread(post.id).at(-1)!.text).toMatch(/^I stop here: .*@alice/);
});

test("B1 two agents that thank each other for ever: a bounded number of posts, the last of which calls a person, once", async () => {
  const server = playedTeam();
  const thanks = (agent: string, other: string) =>
    playedAgent(server, async () => `Thank you, @${other}! After you.`, { agent });
  agents = [await thanks("athena", "hermes"), await thanks("hermes", "athena")];
  const post = server.say("alice-id", "work", "@athena say hello to hermes");
  await soon(() => server.thread(post.id).at(-1)!.text).toMatch(/^I stop here: .*@alice/);
  await soon(quiet).toBe(true);
  const thread = server.thread(post.id);
  // Four agents in a row, the stop, and the question.
  expect(thread).toHaveLength(6);
  expect(thread.filter(({ text }) => text.includes("I stop here"))).toHaveLength(1);
});

test("B1 a colleague of another runtime that marks nothing and always answers: bounded as well, and a person is called", async () => {
  const server = playedTeam();
  agents = [await playedAgent(server, async () => "Thank you, @apollo! After you.")];
  const post = server.say("alice-id", "work", "@athena say hello to apollo");
  const announce = server.announce.bind(server);
  server.announce = (said) => {
    announce(said);
    if (said.authorId !== "apollo-id" && said.text.includes("@apollo"))
      setImmediate(() => server.say("apollo-id", "work", "No, @athena, after you!", { rootId: said.rootId }));
  };
  await soon(() => server.thread(post.id).filter(({ text }) => text.startsWith("I stop here")).length).toBe(1);
  await soon(quiet).toBe(true);
  expect(agents[0]!.calls).toHaveLength(5);
  expect(server.thread(post.id).find(({ text }) => text.startsWith("I stop here"))!.text).toContain("@alice");
});
