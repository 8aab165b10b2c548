import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { agentConfig } from "../../test/support/agent-config.ts";
import { FakeChatServer } from "./chat/fake.ts";
import { type Chat, ChatError } from "./chat-port.ts";
import { systemClock } from "./clock.ts";
import { Feed } from "./feed.ts";
import { gateAsked, wishGate } from "./gates/book.ts";
import { silentLog } from "./log.ts";
import { openStore } from "./store/open.ts";

const config = agentConfig({
  persona: "You plan.",
  chat: { botId: "bot", people: [{ id: "alice", name: "alice", command: true }] },
  models: [{ provider: "rehearsal", model: "m", baseUrl: "http://model" }],
});

test("A4 a call of the catch-up fails in its middle: the channel is read again, each mention is taken in once, the oldest first", async () => {
  const dir = mkdtempSync(join(tmpdir(), "olympus-feed-"));
  const store = openStore(dir);
  const server = new FakeChatServer();
  server.addUser("bot", "athena");
  const channels = ["one", "two", "three", "four", "five"];
  for (const id of channels) server.addChannel(id, ["bot", "alice"]);
  const now = Date.now() - 3600_000;
  const wanted: string[] = [];
  for (let n = 0; n < 250; n++) {
    const channel = channels[n % channels.length]!;
    // More than a page of each channel.
    for (let more = 0; more < 4; more++) server.say("alice", channel, "between", { createdAt: now + n * 1000 + more });
    wanted.push(server.say("alice", channel, `@athena hello ${n}`, { createdAt: now + n * 1000 + 10 }).id);
  }
  const plain = server.client("bot");
  let calls = 0;
  const failing: Chat = {
    ...plain,
    page: async (channel, before) => {
      if (++calls === 7 || calls === 9) throw new ChatError("retry", "HTTP 502: bad gateway");
      return plain.page(channel, before);
    },
  };
  const feed = new Feed({
    config,
    store,
    chat: failing,
    clock: systemClock(100),
    log: silentLog,
    wake: () => undefined,
  });
  try {
    feed.start(0);
    failing.open({
      connected: () => feed.connected(),
      disconnected: () => undefined,
      posted: (post) => feed.posted(post),
    });
    await expect.poll(() => feed.caughtUpAt, { timeout: 60_000 }).toBeDefined();
    const rows = store.all<{ source_id: string; channel: string }>(
      "SELECT source_id, payload ->> 'channelId' AS channel FROM inbox ORDER BY id",
    );
    expect(rows.map((row) => row.source_id).sort()).toEqual(wanted.sort());
    for (const channel of channels) {
      const order = rows.filter((row) => row.channel === channel).map((row) => row.source_id);
      expect(order).toEqual([...order].sort());
    }
    expect(calls).toBeGreaterThan(9);
  } finally {
    feed.stop();
    failing.close();
    store.close();
    rmSync(dir, { recursive: true });
  }
});

test("a reaction that the store does not take ends nothing, and is looked for again", async () => {
  const dir = mkdtempSync(join(tmpdir(), "olympus-feed-"));
  const store = openStore(dir);
  const server = new FakeChatServer();
  const wish = {
    action: "merge",
    kinds: ["merge" as const],
    approvers: undefined,
    run: "r1",
    repo: "olympus/app",
    number: 3,
    commit: "a".repeat(40),
    author: "kim-gh",
    lenses: [],
    place: { channelId: "c", rootId: "t" },
  };
  gateAsked(store, wishGate(store, wish, 0, 1e6), { post: "asks" }, 1);
  let failures = 0;
  const failing = new Proxy(store, {
    get(target, name) {
      if (name === "transaction" && failures++ === 0) throw new Error("disk is full");
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  let woken = 0;
  const chat = server.client("bot");
  const feed = new Feed({ config, store: failing, chat, clock: systemClock(100), log: silentLog, wake: () => woken++ });
  try {
    server.react("alice", "asks", "+1");
    feed.reacted(server.marks[0]!);
    expect(failures).toBe(1);
    await expect.poll(() => woken, { timeout: 30_000 }).toBe(1);
    expect(store.all("SELECT payload ->> 'text' AS text FROM inbox")).toMatchObject([
      { text: expect.stringMatching(/^!approve /) },
    ]);
  } finally {
    feed.stop();
    store.close();
    rmSync(dir, { recursive: true });
  }
});

test("a post that was read and edited into a mention leads to nothing; one of the gap counts by what it says", async () => {
  const dir = mkdtempSync(join(tmpdir(), "olympus-feed-"));
  const store = openStore(dir);
  const server = new FakeChatServer();
  server.addUser("bot", "athena");
  server.addChannel("work", ["bot", "alice"]);
  const begin = () => {
    const chat = server.client("bot");
    const feed = new Feed({ config, store, chat, clock: systemClock(100), log: silentLog, wake: () => undefined });
    feed.start(0);
    chat.open({
      connected: () => feed.connected(),
      disconnected: () => undefined,
      posted: (post) => feed.posted(post),
    });
    return { chat, feed, caughtUp: () => expect.poll(() => feed.caughtUpAt).toBeDefined() };
  };
  const taken = () => store.all<{ text: string }>("SELECT payload ->> 'text' AS text FROM inbox ORDER BY id");
  let { chat, feed, caughtUp } = begin();
  try {
    await caughtUp();
    const now = Date.now() - 60_000;
    const say = (text: string, at: number) => server.say("alice", "work", text, { createdAt: now + at }).id;
    const read = [say("hello", 1), say("@hermes hello", 2)];
    await new Promise((resolve) => setTimeout(resolve, 50));

    server.disconnect();
    server.change(read[0]!, "@athena hello, edited while disconnected");
    server.change(say("hello", 3), "@athena, written and edited in the gap");
    server.change(say("@athena you there?", 4), "@hermes you there?");
    chat.reconnect();
    await expect.poll(taken).toEqual([{ text: "@athena, written and edited in the gap" }]);

    feed.stop();
    chat.close();
    server.change(read[1]!, "@athena hello, edited while stopped");
    say("@athena and now?", 5);
    ({ chat, feed, caughtUp } = begin());
    await caughtUp();
    expect(taken().map(({ text }) => text)).toEqual(["@athena, written and edited in the gap", "@athena and now?"]);
  } finally {
    feed.stop();
    chat.close();
    store.close();
    rmSync(dir, { recursive: true });
  }
});
