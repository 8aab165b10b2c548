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
