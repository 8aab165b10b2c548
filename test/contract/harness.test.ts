/** The bundled harness as a process, against a real Mattermost and the rehearsal model. Scenario ids are those of docs/reference/harness.md. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type RehearsalServer, startRehearsal } from "../../src/rehearsal/model-server.ts";
import { loadScript, scriptSchema } from "../../src/rehearsal/script.ts";
import {
  type AgentFolder,
  type AgentProcess,
  agentFolder,
  runUntilExit,
  startAgentProcess,
} from "../support/agent-process.ts";
import { type ChatTeam, seedChatTeam } from "../support/chat-team.ts";
import { type MattermostServer, startMattermost } from "../support/mattermost.ts";

const script = scriptSchema.parse({
  answers: [
    { match: "slow (\\w+)", reply: "slow answer $1", delay: 4 },
    { match: "sluggish (\\w+)", reply: "sluggish answer $1", delay: 20 },
    { match: "dictate (\\w+)", reply: "word ".repeat(2000), pace: 50 },
    { match: "essay", reply: Array.from({ length: 3000 }, (_, line) => `line ${line} of a long answer`).join("\n") },
    ...loadScript().answers,
  ],
});

let mattermost: MattermostServer;
let team: ChatTeam;
let model: RehearsalServer;
let folder: AgentFolder;
let agent: AgentProcess;
const root = mkdtempSync(join(tmpdir(), "olympus-harness-"));
let next = 0;

const athena = () => team.bots.athena!;
const { alice, bob, mallory } = {
  alice: () => team.people.alice,
  bob: () => team.people.bob,
  mallory: () => team.people.mallory,
};
const work = () => team.channels.work!;
const callsWith = (text: string) =>
  model.calls.filter((call) => JSON.stringify(call.messages.at(-1)).includes(text)).length;

beforeAll(async () => {
  mattermost = await startMattermost();
  team = await seedChatTeam(mattermost.url);
  model = await startRehearsal({ script });
  folder = await agentFolder(join(root, "athena"), team, model.url);
  agent = await startAgentProcess(folder);
});

afterEach(async () => {
  // A test that leaves the agent down would fail all that follow for a wrong reason.
  if (!(await isUp())) agent = await startAgentProcess(folder);
});

afterAll(async () => {
  await agent?.stop("SIGKILL");
  await model?.close();
  await mattermost?.stop();
  rmSync(root, { recursive: true, force: true });
});

async function isUp(): Promise<boolean> {
  return fetch(`http://127.0.0.1:${folder.port}/healthz`).then(
    (response) => response.ok,
    () => false,
  );
}

/** After this, whatever a post could have led to has happened: a later mention of the same channel was answered. */
async function settled(channel = work()): Promise<void> {
  const marker = await team.say(alice(), channel, `@athena hello ${next++}`);
  await team.answers(marker.id, athena());
}

async function status() {
  const response = await fetch(`http://127.0.0.1:${folder.port}/api/status`, {
    headers: { authorization: `Bearer ${folder.dashboardToken}` },
  });
  return (await response.json()) as { harness: { waiting: number; running: unknown[]; undelivered: number } };
}

describe("a mention", () => {
  test("is acknowledged, then the model is asked, then it is answered in its thread", async () => {
    const post = await team.say(alice(), work(), "@athena who are you?");
    const [answer, ...more] = await team.answers(post.id, athena());
    expect(more).toEqual([]);
    expect(answer!.root_id).toBe(post.id);
    expect(answer!.message).toContain("I am athena");
    expect(answer!.message).toContain("rehearsal");
    const [reaction] = await team.reactions(post.id);
    expect(reaction).toMatchObject({ user_id: athena().id, emoji_name: "eyes" });
    const call = model.calls.find((one) => JSON.stringify(one.messages).includes("who are you?"))!;
    expect(reaction!.create_at).toBeLessThanOrEqual(call.at);
    expect(call.at).toBeLessThanOrEqual(answer!.create_at);
  });

  test("A13 in a thread brings the thread's history to the model", async () => {
    const post = await team.say(alice(), work(), "We have three hypervisors, the third is called r820.");
    await team.say(bob(), work(), "It is the loudest.", post.id);
    await team.say(alice(), work(), "@athena hello, what do you make of it?", post.id);
    await team.answers(post.id, athena());
    await team.say(bob(), work(), "@athena who are you again?", post.id);
    const [first] = await team.answers(post.id, athena(), 2);
    const { messages } = model.calls.at(-1)!;
    const text = JSON.stringify(messages);
    expect(text).toContain("[alice] We have three hypervisors");
    expect(text).toContain("[bob] It is the loudest.");
    expect(messages.filter((message) => message.role === "assistant")).toHaveLength(1);
    expect(text).toContain(first!.message.slice(0, 20));
  });

  test("in a direct message needs no @", async () => {
    const channel = await team.directChannel(bob(), athena());
    const post = await team.say(bob(), channel, "hello there");
    const [answer] = await team.answers(post.id, athena());
    expect(answer!.message).toContain("Hello!");
  });

  test("A14 is answered in parts when the answer is longer than a post may be", async () => {
    const post = await team.say(alice(), work(), "@athena write an essay");
    const answers = await team.answers(post.id, athena(), 5);
    await settled();
    expect((await team.answers(post.id, athena(), 5)).length).toBe(answers.length);
    const lines = answers.flatMap((answer) => answer.message.split("\n"));
    expect(lines[0]).toBe("line 0 of a long answer");
    expect(lines).toHaveLength(3000);
    for (const answer of answers) expect(Array.from(answer.message).length).toBeLessThanOrEqual(16383);
  });
});

describe("what is no mention", () => {
  test("A11 A12 B2 leads to nothing", async () => {
    const before = model.calls.length;
    const posts = [];
    for (const text of [
      "@all hello",
      "@channel hello",
      "@athena2 hello",
      "> @athena hello",
      "`@athena hello`",
      "a@athena.example hello",
    ]) {
      posts.push(await team.say(alice(), work(), text));
    }
    posts.push(await team.say(team.bots.hermes!, work(), "just chatting"));
    posts.push(await team.say(athena(), work(), "@athena talks to herself"));
    await settled();
    expect(model.calls.length).toBe(before + 1);
    for (const post of posts) expect(await team.reactions(post.id)).toEqual([]);
  });

  test("E12 of a person who may not command: one polite notice, no model call", async () => {
    const before = model.calls.length;
    const first = await team.say(mallory(), work(), "@athena hello");
    const [notice] = await team.answers(first.id, athena());
    expect(notice!.message).toContain("only for people");
    const second = await team.say(mallory(), work(), "@athena hello?");
    await settled();
    expect(await team.thread(second.id)).toHaveLength(1);
    expect(model.calls.length).toBe(before + 1);
  });

  test("B1 of another agent is answered, until the hop budget is used up: then a person is called, once", async () => {
    const hops = (count: number) => ({ olympus: { run: "r", part: 0, source: "s", hops: count } });
    const say = (count: number, rootId = "") =>
      team.api<{ id: string }>(team.bots.hermes!, "POST", "/posts", {
        channel_id: work(),
        root_id: rootId,
        message: "@athena hello from a colleague",
        props: hops(count),
      });
    const young = await say(1);
    const [answer] = await team.answers(young.id, athena());
    expect((answer!.props.olympus as { hops: number }).hops).toBe(2);
    const before = model.calls.length;
    const old = await say(4);
    const [stop] = await team.answers(old.id, athena());
    expect(stop!.message).toContain("I stop here");
    expect(stop!.message).toContain("@alice");
    await team.say(team.bots.hermes!, work(), "@athena go on", old.id);
    await say(4, old.id);
    await team.answers(old.id, athena(), 2);
    await settled();
    // The mention without a count was answered; the second one that is used up is left.
    expect(await team.answers(old.id, athena())).toHaveLength(2);
    expect(model.calls.length).toBe(before + 2);
  });
});

describe("nothing is lost or doubled", () => {
  test("A5 kill -9 between mention and answer", async () => {
    const post = await team.say(alice(), work(), "@athena slow kill");
    await expect.poll(() => callsWith("slow kill")).toBe(1);
    await agent.stop("SIGKILL");
    agent = await startAgentProcess(folder);
    await team.answers(post.id, athena());
    await settled();
    expect(await team.answers(post.id, athena())).toHaveLength(1);
    expect(callsWith("slow kill")).toBe(2);
  });

  test("A8 Mattermost restarted during twenty mentions: twenty answers", async () => {
    // As many as are worked on at once are at it when it goes, others wait, half of them come while the agent is finding its way back.
    const texts = Array.from({ length: 20 }, (_, n) => (n < 4 ? `slow restart${n}` : `hello ${n} around the restart`));
    const say = (text: string) => team.say(alice(), work(), `@athena ${text}`);
    const posts = await Promise.all(texts.slice(0, 10).map(say));
    await expect.poll(() => callsWith("slow restart"), { timeout: 60_000 }).toBe(4);
    await mattermost.restart();
    posts.push(...(await Promise.all(texts.slice(10).map(say))));
    for (const { id } of posts) await team.answers(id, athena());
    await settled();
    for (const { id, message } of posts) expect(await team.answers(id, athena()), message).toHaveLength(1);
    for (const text of texts) expect(callsWith(`${text}"`), text).toBe(1);
  });

  test("A4 mentions while the harness was down: more than a page, a new channel, a direct message, oldest first", async () => {
    await agent.stop();
    const before = model.calls.length;
    const fresh = await team.addChannel("fresh", [alice(), athena()]);
    const direct = await team.directChannel(alice(), athena());
    const mentions = [];
    mentions.push(await team.say(alice(), work(), "@athena hello first of all"));
    // More than one page of 200 between the mentions.
    for (let batch = 0; batch < 22; batch++) {
      await Promise.all(Array.from({ length: 10 }, (_, n) => team.say(bob(), work(), `chatter ${batch * 10 + n}`)));
      if (batch % 5 === 0) mentions.push(await team.say(alice(), work(), `@athena hello ${batch}`));
    }
    mentions.push(await team.say(alice(), fresh, "@athena hello in a new channel"));
    mentions.push(await team.say(alice(), direct, "hello, direct"));
    agent = await startAgentProcess(folder);
    for (const mention of mentions) await team.answers(mention.id, athena());
    await settled();
    for (const mention of mentions) {
      expect(await team.answers(mention.id, athena()), mention.message).toHaveLength(1);
    }
    await expect.poll(async () => (await status()).harness).toMatchObject({ waiting: 0, undelivered: 0 });
    // Channels are caught up side by side and four runs work at once; within a channel the oldest is begun first.
    const order = model.calls.slice(before).map((call) => JSON.stringify(call.messages.at(-1)));
    const place = (text: string): number => order.findIndex((message) => message.includes(text));
    expect(place("hello first of all")).toBeGreaterThanOrEqual(0);
    expect(place("hello first of all")).toBeLessThan(place("hello 20"));
  });

  test("a mention that was deleted while it waited for its turn is not answered", async () => {
    const post = await team.say(alice(), work(), "@athena slow first");
    const wrong = await team.say(alice(), work(), "@athena hello, delete the branch", post.id);
    await team.api(alice(), "DELETE", `/posts/${wrong.id}`);
    const after = await team.say(bob(), work(), "@athena hello again", post.id);
    await expect
      .poll(async () =>
        (await team.answers(post.id, athena(), 2)).map(({ props }) => (props.olympus as { source: string }).source),
      )
      .toEqual([post.id, after.id]);
    expect(callsWith("delete the branch")).toBe(0);
  });

  test("edits: into a mention leads to nothing, live and after a gap; what waits is answered by its newest text", async () => {
    const edit = (id: string, message: string) =>
      team.api(alice(), "PUT", `/posts/${id}/patch`, { message: `${message} ${id}` });
    const plain = await team.say(alice(), work(), "edited live");
    const later = await team.say(alice(), work(), "edited while nobody listens");
    await edit(plain.id, "@athena who are you, live?");
    const first = await team.say(alice(), work(), "@athena slow edits");
    await expect.poll(() => callsWith("slow edits"), { timeout: 60_000 }).toBe(1);
    const waiting = await team.say(alice(), work(), "@athena old words", first.id);
    const taken = await team.say(alice(), work(), "@athena never mind", first.id);
    await edit(waiting.id, "@athena who are you, in new words?");
    await edit(taken.id, "@hermes never mind");
    expect((await team.answers(first.id, athena(), 2)).map(({ message }) => message)).toEqual([
      "slow answer edits",
      expect.stringContaining("I am athena"),
    ]);
    expect(callsWith("old words")).toBe(0);

    await agent.stop();
    await edit(later.id, "@athena who are you, after the gap?");
    const gap = await team.say(alice(), work(), "in the gap");
    await edit(gap.id, "@athena who are you, written in the gap?");
    agent = await startAgentProcess(folder);
    await team.answers(gap.id, athena());
    await settled();
    for (const { id } of [plain, later]) expect(await team.thread(id)).toHaveLength(1);
    expect(callsWith(taken.id)).toBe(0);
  });

  test("what was answered before a restart is not answered again, even when the database is lost", async () => {
    const post = await team.say(alice(), work(), "@athena who are you, once?");
    await team.answers(post.id, athena());
    const before = callsWith("who are you, once?");
    await agent.stop("SIGKILL");
    rmSync(join(folder.dir, "data"), { recursive: true });
    agent = await startAgentProcess(folder);
    await settled();
    await expect.poll(async () => (await status()).harness).toMatchObject({ waiting: 0, undelivered: 0, running: [] });
    expect(await team.answers(post.id, athena())).toHaveLength(1);
    expect(callsWith("who are you, once?")).toBe(before);
  });

  test("G1 SIGTERM lets what is under way end", async () => {
    const post = await team.say(alice(), work(), "@athena slow goodbye");
    await expect.poll(() => callsWith("slow goodbye")).toBe(1);
    await agent.stop("SIGTERM");
    expect(await team.answers(post.id, athena(), 1, 0)).toHaveLength(1);
    agent = await startAgentProcess(folder);
    await settled();
    expect(callsWith("slow goodbye")).toBe(1);
  });

  test("G1 SIGTERM while a model takes longer than may be waited: it ends in time, and the next start answers, once", async () => {
    const config = JSON.parse(readFileSync(folder.configFile, "utf8")) as object;
    await agent.stop();
    writeFileSync(folder.configFile, JSON.stringify({ ...config, limits: { drain: 2 } }));
    agent = await startAgentProcess(folder);
    const post = await team.say(alice(), work(), "@athena sluggish end");
    await expect.poll(() => callsWith("sluggish end"), { timeout: 60_000 }).toBe(1);
    const began = Date.now();
    await agent.stop("SIGTERM");
    const took = Date.now() - began;
    expect(took).toBeGreaterThan(1500);
    expect(took).toBeLessThan(12_000);
    expect(await team.thread(post.id)).toHaveLength(1);
    agent = await startAgentProcess(folder);
    expect((await team.answers(post.id, athena())).map(({ message }) => message)).toEqual(["sluggish answer end"]);
    await settled();
    expect(await team.answers(post.id, athena())).toHaveLength(1);
  });

  test("D13 stopped while a model dictates: within two seconds its stream is closed and that is said; nothing comes later", async () => {
    const post = await team.say(alice(), work(), "@athena dictate this");
    await expect.poll(() => callsWith("dictate this"), { timeout: 60_000 }).toBe(1);
    const stop = await team.say(alice(), work(), "@athena !stop", post.id);
    await expect.poll(() => model.waiting(), { timeout: 2000 }).toBe(0);
    const [said] = await team.answers(post.id, athena());
    expect(said!.message).toMatch(/^Stopped: 1 piece of work in this thread/);
    expect(said!.create_at - stop.create_at).toBeLessThanOrEqual(2000);
    await settled();
    await expect.poll(async () => (await status()).harness).toMatchObject({ waiting: 0, undelivered: 0, running: [] });
    expect(await team.answers(post.id, athena())).toHaveLength(1);
  });

  test("a second harness on the same data refuses to start", async () => {
    const { code, log } = await runUntilExit(folder.configFile);
    expect(code).toBe(75);
    expect(log).toContain("E-AGENT-RUNNING");
  });
});
