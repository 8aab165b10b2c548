import { rmSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SecretStore } from "../../secrets/store.ts";
import { silentReporter } from "../../src/base/report.ts";
import { loginAsAdmin } from "../../src/bootstrap/admin.ts";
import { type AskOptions, askAgent } from "../../src/bootstrap/ask.ts";
import { chatClient } from "../../src/bootstrap/client.ts";
import { bootstrap } from "../../src/bootstrap/index.ts";
import { openSocket } from "../../src/harness/chat/socket.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { type MattermostServer, startMattermost } from "../support/mattermost.ts";
import { labTeam } from "../support/team.ts";

let server: MattermostServer;
let team: LoadedTeam;
let secrets: SecretStore;
let folder = "";
const signal = new AbortController().signal;

beforeAll(async () => {
  [server, { team, secrets, folder }] = await Promise.all([startMattermost(), labTeam()]);
  await bootstrap({ team, secrets, reporter: silentReporter(), signal, url: server.url });
});

afterAll(async () => {
  await server?.stop();
  if (folder !== "") rmSync(folder, { recursive: true });
});

function ask(options: Partial<AskOptions> = {}) {
  const base = { team, secrets, agent: "athena", text: "who are you?", waitMs: 100_000, signal, url: server.url };
  return askAgent({ ...base, ...options });
}

interface Behaviour {
  readonly acknowledge?: boolean;
  readonly answer?: string;
}

/** A stand-in for the harness: connected as the agent's bot, it does with each mention what it is told to. */
async function startBot({
  acknowledge = true,
  answer,
}: Behaviour): Promise<{ posts: string[]; close(): Promise<void> }> {
  const token = secrets.require("mattermost.bots.athena.token").reveal();
  const botId = secrets.require("mattermost.bots.athena.id").reveal();
  const client = chatClient(server.url, token);
  const posts: string[] = [];
  const reactions: Promise<void>[] = [];
  let ready = (): void => undefined;
  const connected = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const socket = openSocket(server.url, token, {
    hello: () => ready(),
    closed: () => undefined,
    event(message) {
      if (message.event !== "posted") return;
      const post = JSON.parse(message.data.post);
      if (post.user_id === botId || !message.data.mentions?.includes(botId)) return;
      posts.push(post.message);
      reactions.push(react(post.id, post.channel_id));
    },
  });
  async function react(postId: string, channelId: string): Promise<void> {
    if (acknowledge) await client.addReaction(botId, postId, "eyes");
    if (answer !== undefined) await client.createPost({ channel_id: channelId, root_id: postId, message: answer });
  }
  await connected;
  return {
    posts,
    // Its own requests may still be on their way when its words were seen.
    async close() {
      await Promise.all(reactions);
      socket.close();
    },
  };
}

test("a person's post is acknowledged and answered in its thread", async () => {
  const bot = await startBot({ answer: "I am Athena." });
  const seen: string[] = [];
  try {
    const result = await ask({ seen: (what, text) => void seen.push(`${what} ${text}`) });
    expect(result).toMatchObject({ agent: "athena", channel: "olympus/olympus", answer: "I am Athena." });
    expect(result.ackMs).toBeGreaterThan(0);
    expect(result.answerMs).toBeGreaterThanOrEqual(result.ackMs);
    expect(seen).toEqual(["acknowledged eyes", "answer I am Athena."]);
    expect(bot.posts).toEqual(["@athena who are you?"]);
    const { admin } = await loginAsAdmin(server.url, team, secrets);
    const post = await admin.getPost(result.postId);
    expect(post.user_id).toBe(secrets.require("mattermost.people.mara.id").reveal());
  } finally {
    await bot.close();
  }
});

test("another person speaks in another channel; the text's own mention is not doubled", async () => {
  const bot = await startBot({ acknowledge: false, answer: "Hello Olaf." });
  try {
    const result = await ask({ as: "olaf", channel: "dev", text: "Good morning @athena, how are you?" });
    expect(result).toMatchObject({ channel: "olympus/dev", answer: "Hello Olaf.", ackMs: result.answerMs });
    expect(bot.posts).toEqual(["Good morning @athena, how are you?"]);
    expect(secrets.get("mattermost.people.olaf.token")).toBeDefined();
  } finally {
    await bot.close();
  }
});

test("following goes on until it is ended", async () => {
  const bot = await startBot({ answer: "First." });
  const end = new AbortController();
  const seen: string[] = [];
  let following: Promise<void> | undefined;
  try {
    const { admin } = await loginAsAdmin(server.url, team, secrets);
    const told = (what: string, text: string): void => {
      seen.push(`${what} ${text}`);
      if (text === "Second.") end.abort();
      if (what === "answer") following = followUp();
    };
    async function followUp(): Promise<void> {
      const channel = await admin.getChannelByNameAndTeamName("olympus", "dev");
      const { order, posts } = await admin.getPosts(channel.id);
      const root = order.map((id) => posts[id]!).find((post) => post.message.endsWith("first?"))!;
      await admin.createPost({ channel_id: channel.id, root_id: root.id, message: "Second." });
    }
    await ask({ text: "first?", channel: "dev", follow: true, signal: end.signal, seen: told });
    await following;
    expect(seen).toEqual(["acknowledged eyes", "answer First.", "post Second."]);
  } finally {
    await bot.close();
  }
});

test("no answer: the error says why and what to do", async () => {
  const none = { code: "E-CHAT-NO-ANSWER", exit: 2 };
  const { admin } = await loginAsAdmin(server.url, team, secrets);
  const botId = secrets.require("mattermost.bots.athena.id").reveal();
  // The server tells it of a bot a moment after that came or went.
  const becomes = (status: string) =>
    expect.poll(async () => (await admin.getStatusesByIds([botId]))[0]?.status).toBe(status);
  await becomes("offline");
  await expect(ask({ waitMs: 300 })).rejects.toMatchObject({
    ...none,
    message: expect.stringContaining("not connected"),
  });
  const silent = await startBot({ acknowledge: false });
  await becomes("online");
  await expect(ask({ waitMs: 300 })).rejects.toMatchObject({
    ...none,
    message: expect.stringContaining("took no notice"),
  });
  await silent.close();
  const slow = await startBot({ acknowledge: true });
  await expect(ask({ waitMs: 5_000 })).rejects.toMatchObject({
    ...none,
    message: expect.stringContaining("still at work"),
  });
  await slow.close();
  const channel = await admin.getChannelByNameAndTeamName("olympus", "dev");
  await admin.removeFromChannel(botId, channel.id);
  await expect(ask({ waitMs: 300, channel: "dev" })).rejects.toMatchObject({
    ...none,
    message: expect.stringContaining("not in the channel"),
    hint: "npx olympus bootstrap",
  });
});

test("an unknown agent, person or channel is refused before anything is asked", async () => {
  const url = "http://127.0.0.1:9";
  for (const wrong of [{ agent: "athina" }, { as: "nobody" }]) {
    await expect(ask({ ...wrong, url })).rejects.toMatchObject({ code: "E-UNKNOWN", exit: 1 });
  }
  await expect(ask({ channel: "nowhere", url })).rejects.toMatchObject({ code: "E-CHAT-PLACE", exit: 1 });
});

test("a revoked token of the speaker is made anew", async () => {
  secrets.set("mattermost.people.mara.token", "revoked-or-mistyped-token1");
  const bot = await startBot({ answer: "Still here." });
  try {
    expect((await ask()).answer).toBe("Still here.");
  } finally {
    await bot.close();
  }
});
