import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import { mattermostChat } from "../../src/harness/chat/mattermost.ts";
import { type ChatTeam, seedChatTeam } from "../support/chat-team.ts";
import { type MattermostServer, startMattermost } from "../support/mattermost.ts";
import { type ChatWorld, chatSuite } from "./harness-chat-suite.ts";

let server: MattermostServer;
let team: ChatTeam;
let world: ChatWorld;

beforeAll(async () => {
  server = await startMattermost();
  team = await seedChatTeam(server.url);
  const { alice } = team.people;
  const athena = team.bots.athena!;
  world = {
    agent: mattermostChat({ url: server.url, token: new Secret("token", athena.token), botId: athena.id }),
    agentId: athena.id,
    personId: alice.id,
    work: team.channels.work!,
    workName: "lab/work",
    direct: await team.directChannel(alice, athena),
    say: async (channel, text, rootId) => (await team.say(alice, channel, text, rootId)).id,
    reactions: async (postId) => (await team.reactions(postId)).length,
  };
});

afterAll(() => server?.stop());

describe("Mattermost as the harness's chat", () => {
  chatSuite(() => world);

  test("a token that is not taken is told apart from a server that is away", async () => {
    const wrong = mattermostChat({ url: server.url, token: new Secret("token", "x".repeat(26)), botId: "b" });
    await expect(wrong.account()).rejects.toMatchObject({ kind: "unauthorised" });
    const away = mattermostChat({ url: "http://127.0.0.1:9", token: new Secret("token", "x"), botId: "b" });
    await expect(away.account()).rejects.toMatchObject({ kind: "retry" });
  });

  test("a file that the server does not take does not keep its answer back", async () => {
    const { alice } = team.people;
    const patch = (MaxFileSize: number) =>
      team.api(team.admin, "PUT", "/config/patch", { FileSettings: { MaxFileSize } });
    const before = await team.api<{ FileSettings: { MaxFileSize: number } }>(team.admin, "GET", "/config");
    await patch(1000);
    try {
      const asked = await team.say(alice, world.work, "@athena a report please");
      const id = await world.agent.post({
        channelId: world.work,
        rootId: asked.id,
        text: "Here it is.",
        marker: { run: "run-large-file", part: 0, source: asked.id, hops: 1 },
        files: [{ name: "large.txt", text: "x".repeat(2000) }],
      });
      const post = (await world.agent.thread(asked.id)).find((one) => one.id === id)!;
      expect(post.text).toMatch(/^Here it is\.\n\n_Not attached: `large\.txt` \(HTTP 413: .*\)\._$/);
    } finally {
      await patch(before.FileSettings.MaxFileSize);
    }
  });

  test("A18 what will never work is refused for good: removed from the channel, channel archived, thread deleted", async () => {
    const athena = team.bots.athena!;
    const { alice } = team.people;
    const answer = (channelId: string, rootId: string) => ({
      channelId,
      rootId,
      text: "an answer",
      marker: { run: `run-${rootId}`, part: 0, source: rootId, hops: 1 },
    });
    // A private channel: in an open one the team's rights let anybody post.
    const closed = await team.api<{ id: string }>(team.admin, "POST", "/channels", {
      team_id: team.teamId,
      name: "closed",
      display_name: "closed",
      type: "P",
    });
    for (const { id } of [alice, athena])
      await team.api(team.admin, "POST", `/channels/${closed.id}/members`, { user_id: id });
    const question = await team.say(alice, closed.id, "@athena?");
    await team.api(team.admin, "DELETE", `/channels/${closed.id}/members/${athena.id}`);
    const forbidden = { kind: "refused", id: "api.context.permissions.app_error" };
    await expect(world.agent.post(answer(closed.id, question.id))).rejects.toMatchObject(forbidden);
    await expect(world.agent.thread(question.id)).rejects.toMatchObject({ kind: "refused" });

    const archived = await team.addChannel("archived", [alice, athena]);
    const asked = await team.say(alice, archived, "@athena?");
    await team.api(team.admin, "DELETE", `/channels/${archived}`);
    const gone = { kind: "refused", id: "api.post.create_post.can_not_post_to_deleted.error" };
    await expect(world.agent.post(answer(archived, asked.id))).rejects.toMatchObject(gone);

    const deleted = await team.say(alice, world.work, "@athena?");
    await team.api(alice, "DELETE", `/posts/${deleted.id}`);
    const noThread = { kind: "refused", id: "app.post.get.app_error" };
    await expect(world.agent.post(answer(world.work, deleted.id))).rejects.toMatchObject(noThread);
  });

  test("F14 a reaction is told with the id of who reacted, live and when asked for; one taken back is none", async () => {
    const { alice } = team.people;
    const question = await team.say(alice, world.work, "yes?");
    const reaction = { user_id: alice.id, post_id: question.id, emoji_name: "white_check_mark" };
    const seen = await new Promise((resolve) => {
      world.agent.open({
        connected: () => void team.api(alice, "POST", "/reactions", reaction),
        disconnected: () => undefined,
        posted: () => undefined,
        reacted: (one) => one.postId === question.id && resolve(one),
      });
    });
    world.agent.close();
    const told = { postId: question.id, authorId: alice.id, name: "white_check_mark" };
    expect(seen).toMatchObject(told);
    expect(await world.agent.reactions(question.id)).toEqual([seen]);
    await team.api(alice, "DELETE", `/users/${alice.id}/posts/${question.id}/reactions/white_check_mark`);
    expect(await world.agent.reactions(question.id)).toEqual([]);
  });

  test.each([403, 404])("HTTP %i from something before the server is no refusal of the server's", async (status) => {
    const { createServer } = await import("node:http");
    const proxy = createServer((_, response) => {
      response.writeHead(status, { "content-type": "text/html" });
      response.end("<html>maintenance</html>");
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const { port } = proxy.address() as { port: number };
    const chat = mattermostChat({ url: `http://127.0.0.1:${port}`, token: new Secret("token", "x"), botId: "b" });
    const marker = { run: "r", part: 0, source: "s", hops: 1 };
    const posted = chat.post({ channelId: "c", rootId: "s", text: "x", marker });
    await expect(posted).rejects.toMatchObject({ kind: "unclear" });
    proxy.close();
  });

  test("A17 a rate limit is a wait, with the server's own time", async () => {
    const { createServer } = await import("node:http");
    const limiter = createServer((_, response) => {
      response.writeHead(429, { "x-ratelimit-reset": "7", "content-type": "text/plain" });
      response.end("limit exceeded\n");
    });
    await new Promise<void>((resolve) => limiter.listen(0, "127.0.0.1", resolve));
    const { port } = limiter.address() as { port: number };
    const chat = mattermostChat({ url: `http://127.0.0.1:${port}`, token: new Secret("token", "x"), botId: "b" });
    await expect(chat.channels()).rejects.toMatchObject({ kind: "retry", retryAfterMs: 7000 });
    limiter.close();
  });
});
