/** Three agents as processes of their own, on a real Mattermost: among one another, and called to order while a model is slow. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RehearsalServer, startRehearsal } from "../../src/rehearsal/model-server.ts";
import { loadScript, scriptSchema } from "../../src/rehearsal/script.ts";
import { type AgentProcess, agentFolder, startAgentProcess } from "../support/agent-process.ts";
import { type ChatTeam, seedChatTeam } from "../support/chat-team.ts";
import { type MattermostServer, startMattermost } from "../support/mattermost.ts";

const names = ["athena", "hermes", "apollo"] as const;
const script = scriptSchema.parse({
  answers: [
    { match: "slow (\\w+)", reply: "slow answer $1", delay: 8 },
    { match: "play ball", reply: "Your turn, @athena and @hermes: play ball!" },
    ...loadScript().answers,
  ],
});
const root = mkdtempSync(join(tmpdir(), "olympus-three-"));
let mattermost: MattermostServer;
let team: ChatTeam;
let model: RehearsalServer;
const agents: AgentProcess[] = [];

beforeAll(async () => {
  mattermost = await startMattermost();
  team = await seedChatTeam(mattermost.url, names);
  model = await startRehearsal({ script });
  for (const name of names)
    agents.push(await startAgentProcess(await agentFolder(join(root, name), team, model.url, undefined, name)));
});
afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.stop("SIGKILL")));
  await model?.close();
  await mattermost?.stop();
  rmSync(root, { recursive: true, force: true });
});

const bot = (name: string) => team.bots[name]!;
const say = (text: string, rootId?: string) => team.say(team.people.alice, team.channels.work!, text, rootId);
const callsWith = (text: string) =>
  model.calls.filter((call) => JSON.stringify(call.messages.at(-1)).includes(text)).length;

/** A thread that has not grown for so long that no agent waits for its turn any more (2 s for each before it). */
async function settled(rootId: string) {
  let before = -1;
  await expect
    .poll(
      async () => {
        const { length } = await team.thread(rootId);
        const same = length === before;
        before = length;
        return same;
      },
      { timeout: 120_000, interval: 7000 },
    )
    .toBe(true);
  return team.thread(rootId);
}

test("B1 two agents that always mention each other come to an end, and one of them calls the person, once", async () => {
  const { id } = await say("@athena play ball");
  await expect.poll(async () => (await team.thread(id)).length, { timeout: 60_000 }).toBeGreaterThan(3);
  const thread = await settled(id);
  const calls = thread.filter(({ message }) => message.includes("I stop here"));
  expect(calls.map(({ message }) => message)).toEqual([expect.stringContaining("@alice, please say how to go on")]);
  expect(thread.at(-1)!.id).toBe(calls[0]!.id);
  // Four in a row, and each of them four at most.
  expect(thread.length).toBeLessThanOrEqual(1 + 2 * 4 + 1);
  expect(thread.some(({ user_id }) => user_id === bot("hermes").id)).toBe(true);
}, 240_000);

test("all of them in one post: each answers once", async () => {
  const { id } = await say("@athena, @hermes and @apollo: who are you?");
  for (const name of names) expect((await team.answers(id, bot(name)))[0]!.message).toContain(`I am ${name}`);
  const thread = await settled(id);
  expect(
    thread
      .slice(1)
      .map(({ user_id }) => user_id)
      .sort(),
  ).toEqual(names.map((name) => bot(name).id).sort());
}, 120_000);

test("!status, !stop and !retry are obeyed while the model is slow, by the agent that they are said to", async () => {
  const { id } = await say("@athena slow turn");
  await expect.poll(() => callsWith("slow turn"), { timeout: 60_000 }).toBe(1);
  const began = Date.now();
  await say("@athena !status", id);
  const [status] = await team.answers(id, bot("athena"), 1);
  expect(status!.message).toMatch(/I am working on 1 thing.*here: working for/s);
  await say("@athena !stop", id);
  const [, stopped] = await team.answers(id, bot("athena"), 2);
  expect(stopped!.message).toContain("Stopped: 1 piece of work in this thread");
  // Both before the model would have answered.
  expect(Date.now() - began).toBeLessThan(8000);
  await say("@athena !retry", id);
  const [, , again] = await team.answers(id, bot("athena"), 3);
  expect(again!.message).toBe("slow answer turn");
  expect(callsWith("slow turn")).toBe(2);
  const thread = await settled(id);
  expect(thread.filter(({ user_id }) => user_id !== team.people.alice.id)).toHaveLength(3);
}, 120_000);
