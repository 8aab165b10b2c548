import { describe } from "vitest";
import { type ChatWorld, chatSuite } from "../../../test/contract/harness-chat-suite.ts";
import { FakeChatServer } from "./fake.ts";

describe("the fake chat", () => {
  const server = new FakeChatServer();
  server.addUser("athena-id", "athena");
  server.addUser("alice-id", "alice");
  server.addChannel("work", ["athena-id", "alice-id"]);
  server.nameChannel("lab/work", "work");
  server.addChannel("direct", ["athena-id", "alice-id"], true);
  const world: ChatWorld = {
    agent: server.client("athena-id"),
    agentId: "athena-id",
    personId: "alice-id",
    work: "work",
    workName: "lab/work",
    direct: "direct",
    say: async (channel, text, rootId) =>
      server.say("alice-id", channel, text, rootId === undefined ? {} : { rootId }).id,
    reactions: async (postId) => server.reactions.get(postId)?.size ?? 0,
  };
  chatSuite(() => world);
});
