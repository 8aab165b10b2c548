import { expect, test } from "vitest";
import { agentConfig } from "../../test/support/agent-config.ts";
import { estimatedTokens } from "./budget.ts";
import type { ChatPost } from "./chat-port.ts";
import { threadMessages } from "./prompt.ts";

const config = (limits: object = {}) =>
  agentConfig({
    chat: { botId: "b", people: [{ id: "alice", name: "alice", command: true }] },
    limits,
  });

const post = (number: number, text: string, more: Partial<ChatPost> = {}): ChatPost => ({
  id: `p${number}`,
  channelId: "c",
  rootId: "p0",
  authorId: "alice",
  text: `post ${number} ${text}`,
  createdAt: number,
  direct: false,
  system: false,
  automatic: false,
  mentioned: undefined,
  marker: undefined,
  ...more,
});
const ask = (limits: object, thread: readonly ChatPost[]) =>
  threadMessages(config(limits), thread, { ...post(1000, "@athena?"), hops: 0 }, new Map());
const seen = (messages: readonly { content: string }[]) =>
  [
    ...messages
      .map(({ content }) => content)
      .join("\n")
      .matchAll(/post (\d+)/g),
  ].map((match) => Number(match[1]));

/** 300 bytes of text: some 105 estimated tokens with what is around it. */
const long = "x".repeat(300);
const thread = Array.from({ length: 50 }, (_, number) => post(number, long));

test("few but long posts are bounded by tokens: the oldest go first, and a line says so", () => {
  const messages = ask({ threadTokens: 1000 }, thread);
  expect(messages.reduce((sum, { content }) => sum + estimatedTokens(content), 0)).toBeLessThan(1100);
  // The first says what it is about, the newest what is going on.
  expect(seen(messages)).toEqual([0, 42, 43, 44, 45, 46, 47, 48, 49, 1000]);
  expect(messages[0]!.content).toContain("\n[41 earlier posts were left out]\n");
});

test("a first post that would take most of the room is left out too", () => {
  const messages = ask({ threadTokens: 1000 }, [post(0, "x".repeat(2000)), ...thread.slice(1)]);
  expect(seen(messages)).toEqual([41, 42, 43, 44, 45, 46, 47, 48, 49, 1000]);
  expect(messages[0]!.content).toMatch(/^\[41 earlier posts were left out\]\n/);
});

test("the number of posts is a bound as before, and says so as well", () => {
  const messages = ask({ threadPosts: 4 }, thread);
  expect(seen(messages)).toEqual([0, 48, 49, 1000]);
  expect(messages[0]!.content).toContain("[47 earlier posts were left out]");
});

test("what fits is whole, and nothing is said", () => {
  const messages = ask({}, thread);
  expect(seen(messages)).toHaveLength(51);
  expect(messages[0]!.content).not.toContain("left out");
});

test("the post to be answered is there, however long", () => {
  const question = { ...post(1000, "y".repeat(16_000)), hops: 0 };
  const messages = threadMessages(config({ threadTokens: 100 }), thread, question, new Map());
  expect(seen(messages)).toEqual([1000]);
});

test("what the agent said without being asked in the thread is there, in its place: by schedule, of its work, on the dashboard", () => {
  const own = (number: number, text: string, source: string, part = 0) =>
    post(number, text, { authorId: "b", marker: { run: `r${number}`, part, source, hops: 1 } });
  const messages = ask({}, [
    own(0, "build 3 fails because of X", "nightly@2026-11-22T03:00:00.000Z"),
    post(1, "@athena what is X?"),
    own(2, "issue 7 is done", "olympus/app#7"),
    post(3, "", { text: "@athena !status" }),
    own(4, "I am idle", "p3"),
    own(5, "_Working_", "dashboard-retry", -1),
    own(6, "X is a compiler", "p1"),
    own(2000, "said since then", "olympus/app#8"),
  ]);
  expect(messages.map(({ role, content }) => [role, content])).toEqual([
    ["user", "[the thread begins with your own post]"],
    ["assistant", "post 0 build 3 fails because of X"],
    ["user", "[alice] post 1 @athena what is X?"],
    ["assistant", "post 6 X is a compiler\n\npost 2 issue 7 is done"],
    ["user", "[alice] post 1000 @athena?"],
  ]);
});

test("own answers count too", () => {
  const marker = { run: "r", part: 0, source: "p1", hops: 1 };
  const answers = Array.from({ length: 20 }, (_, part) =>
    post(100 + part, long, { authorId: "b", marker: { ...marker, part } }),
  );
  const messages = ask({ threadTokens: 500 }, [post(0, ""), post(1, ""), ...answers]);
  expect(seen(messages)).toEqual([0, 116, 117, 118, 119, 1000]);
});
