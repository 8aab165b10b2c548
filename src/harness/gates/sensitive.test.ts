import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { agentConfig } from "../../../test/support/agent-config.ts";
import { Secret } from "../../base/secret.ts";
import { FakeChatServer } from "../chat/fake.ts";
import { systemClock } from "../clock.ts";
import { silentLog } from "../log.ts";
import { receive } from "../store/inbox.ts";
import { openStore, type Store } from "../store/open.ts";
import { claimNext } from "../store/runs.ts";
import { answerGate } from "./chat.ts";
import { sensitiveTools } from "./sensitive.ts";
import type { GateWord } from "./words.ts";

const clock = systemClock(1000);
const signal = new AbortController().signal;
let dir: string;
let store: Store;
let server: FakeChatServer;
let root: string;
let run: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "olympus-sensitive-"));
  store = openStore(dir);
  server = new FakeChatServer();
  server.addUser("athena-id", "athena");
  server.addChannel("c", ["athena-id", "id-mara"]);
  root = server.say("id-mara", "c", "@athena who bought what?").id;
  receive(store, { source: "m", sourceId: "p", lane: "l", kind: "mention", author: "a", createdAt: 0, payload: {} }, 0);
  run = claimNext(store, clock.now())!.id;
  writeFileSync(join(dir, "customers"), "alice, canary-token-1\n");
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

const configOf = () =>
  agentConfig({
    chat: { people: [{ id: "id-mara", name: "mara", approve: ["sensitive"] }] },
    policy: {
      sensitive: [
        { name: "customers", about: "who they are", file: join(dir, "customers") },
        { name: "report", about: "of today", command: ["/bin/echo", "$HOME", "; id"] },
        { name: "gone", about: "nothing", file: join(dir, "gone") },
      ],
    },
  });
const parts = () => ({ config: configOf(), store, chat: server.client("athena-id"), clock, log: silentLog });
const secrets = [new Secret("model key", "canary-token-1")];
const tool = () => sensitiveTools({ ...parts(), secrets }, run, { channelId: "c", rootId: root, hops: 0 })[0]!;
const asked = () => server.posts.filter(({ authorId, text }) => authorId === "athena-id" && text.includes("!approve"));

/** Asks for a read, and has mara say a word to the question; what the model gets, and the question. */
async function read(name: string, word: "approve" | "refuse") {
  const before = asked().length;
  const got = tool().run({ name, why: "to \u202e`count`\nthem" }, signal);
  await expect.poll(() => asked().length).toBe(before + 1);
  const question = asked().at(-1)!.text;
  const said: GateWord = { word, id: /!approve ([0-9a-f]{10})/.exec(question)![1]! };
  const post = {
    id: "p",
    channelId: "c",
    rootId: root,
    authorId: "id-mara",
    text: "",
    createdAt: 1,
    direct: false,
    hops: 0,
  };
  await expect.poll(() => answerGate({ ...parts() }, post, said)).toMatch(/Approved|closed/);
  return { text: (await got).text, question };
}

test("data is read after a person's yes, once for each, without secrets; the person reads why", async () => {
  const { text, question } = await read("customers", "approve");
  expect(text).toBe("alice, [secret:model key]\n");
  expect(question).toContain(
    "@mara: may I read `customers` (who they are)? What for, in the model's words: `to count them`",
  );
  // Another time, another yes; a command gets nothing of a shell or of a model.
  expect((await read("customers", "approve")).text).toContain("alice");
  expect((await read("report", "approve")).text).toBe("$HOME ; id\n");
  expect((await read("gone", "approve")).text).toContain("ENOENT");
});

test("a no, a read that is not declared, and a call without a reason give nothing", async () => {
  expect((await read("customers", "refuse")).text).toBe("error: not read: turned down by mara");
  for (const input of [{ name: "/etc/shadow", why: "x" }, { name: "customers" }, { name: "report", why: "" }, null])
    expect((await tool().run(input, signal)).text).toContain("must be given");
  expect(asked()).toHaveLength(1);
});

test("without declared reads there is no such tool", () => {
  const none = { ...parts(), config: agentConfig({ policy: {} }) };
  expect(sensitiveTools(none, run, { channelId: "c", rootId: root, hops: 0 })).toEqual([]);
});
