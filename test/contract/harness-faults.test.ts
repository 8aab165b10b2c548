/**
 * The harness behind a network that breaks. The harness's own waits and limits are divided by `scale`, so a time measured here stands
 * for `scale` times as much in production; the test says so where it runs, and beside every time that it measures.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AgentProcess, startAgentProcess } from "../support/agent-process.ts";
import { openProxiedAgent, type ProxiedAgent } from "../support/proxied-agent.ts";

/** Small enough that a moment lost by a busy machine is not made many seconds of. */
const scale = 4;
let stage: ProxiedAgent;
let team: ProxiedAgent["team"];
let model: ProxiedAgent["model"];
let proxy: ProxiedAgent["proxy"];
/** The agent's newest process. */
let agent: AgentProcess;
const athena = () => team.bots.athena!;

/** Past vitest's capture, which prints nothing of a test that passes under some reporters. */
function print(text: string): void {
  process.stderr.write(`harness-faults: ${text}\n`);
}

beforeAll(async () => {
  print(`the harness's waits and limits are divided by ${scale} (scale ${scale})`);
  stage = await openProxiedAgent(scale);
  ({ team, model, proxy, agent } = stage);
});

afterAll(async () => {
  await agent?.stop("SIGKILL");
  await stage?.close();
});

const say = (text: string) => team.say(team.people.alice, team.channels.work!, `@athena hello ${text}`);

const chatNow = async () => (await stage.status()).harness;
const chatState = async () => (await chatNow()).chat;

/** Takes the agent's token away, or gives it back. */
async function token(action: "disable" | "enable"): Promise<void> {
  const [known] = await team.api<{ id: string }[]>(team.admin, "GET", `/users/${athena().id}/tokens`);
  await team.api(team.admin, "POST", `/users/tokens/${action}`, { token_id: known!.id });
}

/** Every post has exactly one answer, also a little later. */
async function answeredOnce(posts: readonly { id: string }[]): Promise<void> {
  for (const post of posts) await team.answers(post.id, athena(), 1, 120);
  const last = await say("to settle");
  await team.answers(last.id, athena(), 1, 120);
  for (const post of posts) expect(await team.answers(post.id, athena())).toHaveLength(1);
}

test(`A1 connections are reset, with mentions in the gap: answered within 10 s of its end (scale ${scale}: ${10 / scale} s here)`, async () => {
  const posts = [await say("before")];
  proxy.set("refuse");
  proxy.cut();
  const gap = await say("in the gap");
  await expect.poll(chatState).not.toBe("connected");
  proxy.set("none");
  const healed = Date.now();
  const [answer] = await team.answers(gap.id, athena(), 1, 120);
  const took = (answer!.create_at - healed) / 1000;
  print(
    `answered ${took.toFixed(2)} s after the gap at scale ${scale}, stands for ${(took * scale).toFixed(1)} s (limit 10 s)`,
  );
  expect(took * scale).toBeLessThanOrEqual(10);
  await answeredOnce([...posts, gap]);
});

test(`A2 the network goes silent: noticed within 45 s (scale ${scale}: ${45 / scale} s here), nothing lost or doubled`, async () => {
  await expect.poll(chatState).toBe("connected");
  const posts = [await say("just before silence")];
  proxy.set("swallow");
  posts.push(await say("in the silence"));
  const began = Date.now();
  await expect.poll(chatState).not.toBe("connected");
  const took = (Date.now() - began) / 1000;
  print(
    `silence noticed after ${took.toFixed(2)} s at scale ${scale}, stands for ${(took * scale).toFixed(1)} s (limit 45 s)`,
  );
  expect(took * scale).toBeLessThanOrEqual(45);
  proxy.set("none");
  proxy.cut();
  await answeredOnce(posts);
});

test("A7 connections cut again and again while answers are being sent", async () => {
  await expect.poll(chatState).toBe("connected");
  const posts = [];
  for (let round = 0; round < 20; round++) {
    posts.push(await say(`round ${round}`));
    // At a different moment of each mention's life.
    await new Promise((resolve) => setTimeout(resolve, round * 4));
    proxy.cut();
  }
  await answeredOnce(posts);
});

test("A7 the server answers 500 to posts, before and after it took them: each mention has one answer", async () => {
  await expect.poll(chatState, { timeout: 60_000 }).toBe("connected");
  const posts = [];
  for (const [times, how] of [
    [3, "refused"],
    [1, "taken"],
    [1, "taken"],
  ] as const) {
    const left = proxy.failRequests("POST /api/v4/posts ", times, how);
    posts.push(await say(`to a server that fails ${times}`));
    await team.answers(posts.at(-1)!.id, athena(), 1, 120);
    await expect.poll(left, { timeout: 60_000 }).toBe(0);
  }
  await answeredOnce(posts);
});

test("A7 the server has a post in hand for longer than anybody waits, and answers 500 to its duplicates: one answer", async () => {
  await expect.poll(chatState, { timeout: 60_000 }).toBe("connected");
  // The mention itself is to be stored first: the lock is taken while the model answers.
  const post = await team.say(team.people.alice, team.channels.work!, "@athena held back");
  await expect.poll(() => JSON.stringify(model.calls).includes("held back"), { timeout: 60_000 }).toBe(true);
  await stage.mattermost.sql("BEGIN; LOCK TABLE posts IN EXCLUSIVE MODE; SELECT pg_sleep(10); COMMIT");
  await answeredOnce([post]);
  expect(agent.log()).toMatch(/HTTP 500: .*deduplicate/);
});

test("A3 a message of the connection is lost: seen at the next one by its number, read again, answered once", async () => {
  await expect.poll(chatState, { timeout: 60_000 }).toBe("connected");
  const posts: { id: string }[] = [];
  let lost = () => false;
  // Until one comes alone over the wire: two in one piece pass.
  for (let round = 0; round < 20 && !lost(); round++) {
    const text = `lost in the wire ${round}`;
    lost = proxy.loseMessage(text);
    posts.push(await say(text));
    const answered = async () => (await team.thread(posts.at(-1)!.id)).length > 1;
    await expect.poll(async () => lost() || (await answered()), { timeout: 60_000 }).toBe(true);
  }
  expect(lost()).toBe(true);
  const { connectedAt } = await chatNow();
  await team.say(team.people.bob, team.channels.work!, "something for nobody");
  await expect.poll(async () => (await chatNow()).connectedAt, { timeout: 60_000 }).toBeGreaterThan(connectedAt!);
  await answeredOnce(posts);
});

test("a token that is taken away is told apart from a server that is away; given back, nothing is lost or doubled", async () => {
  await expect.poll(chatState, { timeout: 60_000 }).toBe("connected");
  const posts = [await say("with a token")];
  await answeredOnce(posts);
  await token("disable");
  posts.push(await say("without a token"));
  await expect.poll(chatState, { timeout: 120_000 }).toBe("unauthorised");
  await token("enable");
  await expect.poll(chatState, { timeout: 120_000 }).toBe("connected");
  await answeredOnce(posts);
});

test.each([
  ["still knows it (for 30 s)", false],
  ["has forgotten it", true],
])(
  "A6 killed after the server took the answer and before that was written down, the server %s at the next start: one answer",
  async (_, forgotten) => {
    await expect.poll(chatState, { timeout: 60_000 }).toBe("connected");
    const left = proxy.failRequests("POST /api/v4/posts ", 1, "unanswered");
    const post = await say(`to a server that ${forgotten ? "forgets" : "remembers"}`);
    await team.answers(post.id, athena(), 1, 60);
    expect(left()).toBe(0);
    await agent.stop("SIGKILL");
    // What it knows of pending posts it keeps in memory, for 30 s: a restart stands for a minute's wait.
    if (forgotten) await stage.mattermost.restart();
    agent = await startAgentProcess(stage.folder);
    await answeredOnce([post]);
  },
);
