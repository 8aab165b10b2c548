import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Chat, ChatPost, NewPost } from "../chat-port.ts";
import { openStore, type Store } from "../store/open.ts";
import { audit, lastLink, linksAfter } from "./audit.ts";
import { readHead } from "./head-post.ts";
import { tellDue } from "./heads.ts";

const day = 24 * 3600_000;
const first = Date.UTC(2026, 10, 20, 12);

let dir: string;
let store: Store;
let now = first;
const said: NewPost[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "olympus-heads-"));
  store = openStore(dir);
  said.length = 0;
  now = first;
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

const chat = {
  channelNamed: async (name: string) => `id-of-${name}`,
  page: async (): Promise<ChatPost[]> =>
    said.map(({ marker, text, channelId }, at) => ({
      id: `post-${at}`,
      channelId,
      rootId: `post-${at}`,
      authorId: "bot",
      text,
      createdAt: now,
      system: false,
      automatic: true,
      direct: false,
      mentioned: undefined,
      marker,
    })),
  post: async (post: NewPost) => {
    said.push(post);
    return `post-${said.length - 1}`;
  },
} as unknown as Chat;

const tell = () =>
  tellDue(
    {
      config: { agent: "athena", chat: { botId: "bot" } as never },
      store,
      chat,
      clock: { now: () => now, wait: async () => undefined, scaled: (ms) => ms },
      log: undefined as never,
    },
    "olympus/operations",
  );
const act = () => audit(store, { kind: "act", actor: "harness", what: "post" }, now);

test("each day's head is told once, when the day is over, in words that are read again", async () => {
  act();
  const last = act();
  expect(await tell()).toBeUndefined();
  now += day;
  const head = await tell();
  expect(head).toEqual({ day: "2026-11-20", seq: 2, hash: last.hash });
  expect(said).toMatchObject([{ channelId: "id-of-olympus/operations", rootId: "" }]);
  expect(readHead("athena", said[0]!.text)).toEqual(head);
  expect(readHead("apollo", said[0]!.text)).toBeUndefined();
  expect(await tell()).toBeUndefined();
  expect(JSON.parse(lastLink(store)!.entry)).toMatchObject({ kind: "head", subject: "post-0", evidence: { entry: 2 } });
});

test("days without anything but that a head was told are left out", async () => {
  act();
  now += day;
  await tell();
  now += day;
  expect(await tell()).toBeUndefined();
  act();
  now += 3 * day;
  expect(await tell()).toMatchObject({ day: "2026-11-22", seq: 3 });
  expect(said).toHaveLength(2);
});

test("killed between the post and its note in the store, it is not posted again", async () => {
  act();
  now += day;
  store.setMeta = () => {
    throw new Error("killed");
  };
  await expect(tell()).rejects.toThrow("killed");
  store.close();
  store = openStore(dir);
  expect(linksAfter(store, 0, 10)).toHaveLength(1);
  expect(await tell()).toMatchObject({ seq: 1 });
  expect(said).toHaveLength(1);
});
