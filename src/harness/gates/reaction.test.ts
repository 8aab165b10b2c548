import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { agentConfig } from "../../../test/support/agent-config.ts";
import { linksAfter } from "../audit/audit.ts";
import { FakeChatServer } from "../chat/fake.ts";
import type { PostPayload } from "../intake.ts";
import { openStore, type Store } from "../store/open.ts";
import { gateAgain, gateAsked, gateOf, wishGate } from "./book.ts";
import { answerGate } from "./chat.ts";
import type { Gate } from "./gate.ts";
import { missedReactions, takeReaction } from "./reaction.ts";
import { gateWord } from "./words.ts";

const clock = { now: () => 5 };
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
const config = agentConfig({
  chat: {
    people: [
      { id: "id-mara", name: "mara", approve: ["merge"] },
      { id: "id-olaf", name: "olaf", approve: [] },
      { id: "id-kim", name: "kim", approve: ["merge"] },
    ],
    agents: [{ id: "apollo-id", name: "apollo" }],
  },
  forge: {
    api: "http://forge",
    login: "athena-bot",
    tokenFile: "t",
    keyFile: "t",
    name: "x",
    email: "x@x.example",
    people: [{ login: "kim-gh", name: "kim", command: true, approve: ["merge"] }],
    repositories: [{ name: "olympus/app" }],
  },
});

let dir: string;
let store: Store;
let gate: Gate;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "olympus-reactions-"));
  store = openStore(dir);
  gate = gateAsked(store, wishGate(store, wish, 0, 72), { post: "asks" }, 1);
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

/** Takes a reaction in and does what its inbox entry says; what is answered. */
function react(authorId: string, name = "+1", postId = "asks", at = 2): string | undefined {
  if (!takeReaction({ store, clock }, { postId, authorId, name, at })) return "nothing";
  const row = store.get<{ payload: string }>("SELECT payload FROM inbox ORDER BY id DESC LIMIT 1")!;
  const post = JSON.parse(row.payload) as PostPayload;
  return answerGate({ config, store, clock }, post, gateWord(post.text, "athena")!);
}
const state = () => gateOf(store, gate.id)!.state;

test("a yes whose answer was lost in a crash is answered again as it was; another one after it is not taken for it", () => {
  const post = {
    id: "p9",
    channelId: "c",
    rootId: "t",
    authorId: "id-mara",
    text: "",
    createdAt: 1,
    direct: false,
    hops: 0,
  };
  const yes = () => answerGate({ config, store, clock }, post, { word: "approve", id: gate.id });
  expect([yes(), yes()]).toEqual(["Approved.", "Approved."]);
  expect(store.all("SELECT id FROM inbox WHERE kind = 'gate'")).toHaveLength(1);
  expect(linksAfter(store, 0, 99).filter(({ entry }) => entry.includes('"what":"opened"'))).toHaveLength(1);
  // The act failed: what was said before it opens it no more.
  gateAgain(store, gateOf(store, gate.id)!, "the forge said no", 3);
  expect(yes()).toContain("it was given before people were asked anew");
});

test("F14 a yes by somebody who may, on the post that asks, opens the gate; its author's id and no name counts", () => {
  expect(react("id-mara")).toBe("Approved.");
  expect(gateOf(store, gate.id)).toMatchObject({ state: "open", openedBy: "mara", openedWith: "reaction to asks" });
  const entry = store.get<{ payload: string }>("SELECT payload FROM inbox WHERE kind = 'gate'")!;
  expect(JSON.parse(entry.payload)).toMatchObject({ channelId: "c", rootId: "t", number: 3 });
  // The same event again, and others' afterwards.
  expect(react("id-mara")).toBe("nothing");
  expect(react("id-olaf")).toBe("nothing");
});

test("F14 bots, agents, strangers, the author, people who may not: never; each try stands in the log", () => {
  for (const id of ["apollo-id", "athena-id", "id-nobody"]) expect(react(id)).toBeUndefined();
  expect(react("id-olaf")).toContain("olaf may not approve: merge");
  expect(react("id-kim")).toContain("nobody approves a change of their own");
  expect(state()).toBe("asked");
  const refused = linksAfter(store, 0, 100).map(({ entry }) => JSON.parse(entry) as { kind: string; actor: string });
  expect(refused.filter(({ kind }) => kind === "refusal").map(({ actor }) => actor)).toEqual(
    ["apollo-id", "athena-id", "id-nobody", "id-olaf", "id-kim"].map((id) => `mattermost:${id}`),
  );
});

test("F14 other emoji and other posts open nothing, nor does a post that asks for two gates", () => {
  expect(react("id-mara", "eyes")).toBe("nothing");
  expect(react("id-mara", "-1")).toBe("nothing");
  expect(react("id-mara", "+1", "another")).toBe("nothing");
  gateAsked(store, wishGate(store, { ...wish, number: 4 }, 0, 72), { post: "asks" }, 1);
  expect(react("id-mara")).toBe("nothing");
  expect(state()).toBe("asked");
});

test("an answer that was faster than the note of where it was asked stays", () => {
  react("id-mara");
  gateAsked(store, gate, { post: "asks" }, 9);
  expect(state()).toBe("open");
});

test("F14 what was reacted while nobody listened is found, once", async () => {
  const server = new FakeChatServer();
  server.react("id-mara", "asks", "white_check_mark");
  const parts = { store, clock, chat: server.client("athena-id") };
  expect(await missedReactions(parts)).toBe(true);
  expect(await missedReactions(parts)).toBe(false);
});
