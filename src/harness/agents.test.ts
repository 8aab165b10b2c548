/** Several agents in one chat: what they say to each other is bounded. */
import { afterEach, expect, test, vi } from "vitest";
import { agentNames, type PlayedAgent, playedAgent, playedTeam, soon } from "../../test/support/played-agent.ts";

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
