import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { agentConfig } from "../../../test/support/agent-config.ts";
import { linksAfter } from "../audit/audit.ts";
import { FakeChatServer } from "../chat/fake.ts";
import { systemClock } from "../clock.ts";
import { harnessStops } from "../harness-state.ts";
import type { PostPayload } from "../intake.ts";
import { silentLog } from "../log.ts";
import { receive } from "../store/inbox.ts";
import { stepsOf } from "../store/look.ts";
import { quietSince } from "../store/look-sums.ts";
import { openStore, type Store } from "../store/open.ts";
import { claimNext } from "../store/runs.ts";
import { gateOf } from "./book.ts";
import { answerGate } from "./chat.ts";
import { guardOf } from "./destructive.ts";
import { takeReaction } from "./reaction.ts";
import { type GateWord, gateWord } from "./words.ts";

const clock = systemClock(1000);
const script = "cd infra\nterraform destroy";
const signal = new AbortController().signal;
const config = agentConfig({
  chat: {
    people: [
      { id: "id-mara", name: "mara", approve: ["destructive"] },
      { id: "id-kim", name: "kim", command: true },
    ],
  },
  policy: { destructive: { commands: ["terraform destroy"] } },
});

let dir: string;
let store: Store;
let server: FakeChatServer;
let root: string;
let run: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "olympus-destructive-"));
  store = openStore(dir);
  server = new FakeChatServer();
  server.addUser("athena-id", "athena");
  server.addChannel("c", ["athena-id", "id-mara", "id-kim"]);
  root = server.say("id-kim", "c", "@athena tidy up").id;
  receive(store, { source: "m", sourceId: "p", lane: "l", kind: "mention", author: "a", createdAt: 0, payload: {} }, 0);
  run = claimNext(store, clock.now())!.id;
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

const guard = (post = { channelId: "c", rootId: root, hops: 0 }) => {
  const parts = { config, store, chat: server.client("athena-id"), clock, log: silentLog };
  return guardOf(parts, run, post)!;
};
const asked = () => server.posts.filter(({ authorId, text }) => authorId === "athena-id" && text.includes("!approve"));
const idIn = (text: string) => /!approve ([0-9a-f]{10})/.exec(text)![1]!;
const say = (authorId: string, word: GateWord) => {
  const post = { id: "p", channelId: "c", rootId: root, authorId, text: "", createdAt: 1, direct: false, hops: 0 };
  return answerGate({ config, store, clock }, post, word);
};
const log = () => linksAfter(store, 0, 100).map(({ entry }) => JSON.parse(entry) as { what: string; run?: string });

test("a script without marked commands is nobody's business; without marks, or a policy, nothing is held", async () => {
  expect(await guard()("terraform plan", signal)).toBeUndefined();
  const parts = { store, chat: server.client("athena-id"), clock, log: silentLog };
  expect(
    guardOf({ ...parts, config: agentConfig({ policy: {} }) }, run, { channelId: "c", rootId: root, hops: 0 }),
  ).toBe(undefined);
});

test("a marked one waits in the thread, is shown whole, and goes on with a person's reaction; once", async () => {
  const began = quietSince(store)!;
  const held = guard()(script, signal);
  await expect.poll(() => asked().length).toBe(1);
  // Who waits for a person is not stuck.
  expect(quietSince(store)).toBeUndefined();
  const [question] = asked();
  expect(question).toMatchObject({ rootId: root, text: expect.stringContaining(`\`\`\`bash\n${script}\n\`\`\``) });
  expect(question!.text).toContain("@mara: may I run this?");
  expect(say("id-kim", { word: "approve", id: idIn(question!.text) })).toContain("kim may not approve: destructive");
  await expect
    .poll(() => takeReaction({ store, clock }, { postId: question!.id, authorId: "id-mara", name: "+1", at: 9 }))
    .toBe(true);
  const row = store.get<{ payload: string }>("SELECT payload FROM inbox ORDER BY id DESC LIMIT 1")!;
  const post = JSON.parse(row.payload) as PostPayload;
  expect(answerGate({ config, store, clock }, post, gateWord(post.text, "athena")!)).toBe("Approved.");
  expect(await held).toEqual({ waited: expect.any(Number) });
  expect(stepsOf(store, run, 9, 0)).toMatchObject([{ kind: "approval", outcome: "ok", detail: "run a marked script" }]);
  // While the script runs, the time that people took is no silence of the run.
  expect(quietSince(store)).toBeGreaterThan(began);
  expect(gateOf(store, idIn(question!.text))).toMatchObject({ state: "done", run, openedBy: "mara" });
  expect(log().flatMap(({ what, run: by }) => (by === run ? what : []))).toEqual([
    "wished",
    "told",
    `approve ${gateOf(store, idIn(question!.text))!.action}`,
    "opened",
    "done",
  ]);
  // The same again, and another one, are asked for anew.
  const later = new AbortController();
  const others = [script, `${script} -auto-approve`].map((one) => guard()(one, later.signal));
  await expect.poll(() => asked().length).toBe(3);
  expect(new Set(asked().map(({ text }) => idIn(text))).size).toBe(3);
  later.abort(new Error(harnessStops));
  await Promise.allSettled(others);
});

test("no is no for that script in that run: it is not asked for again", async () => {
  const held = guard()(script, signal);
  await expect.poll(() => asked().length).toBe(1);
  await expect.poll(() => say("id-mara", { word: "refuse", id: idIn(asked()[0]!.text) })).toBe("It stays closed.");
  expect((await held)?.refused).toContain("turned down by mara");
  expect((await guard()(script, signal))?.refused).toContain("turned down by mara");
  expect(asked()).toHaveLength(1);
});

test("a next process waits on, with the same question; work that is stopped leaves no gate", async () => {
  const first = new AbortController();
  const held = guard()(script, first.signal);
  await expect.poll(() => asked().length).toBe(1);
  first.abort(new Error(harnessStops));
  await expect(held).rejects.toThrow(harnessStops);
  const id = idIn(asked()[0]!.text);
  const second = new AbortController();
  const again = guard()(script, second.signal);
  expect(gateOf(store, id)!.state).toBe("asked");
  second.abort(new Error("stopped by mara"));
  await expect(again).rejects.toThrow("stopped by mara");
  expect(gateOf(store, id)).toMatchObject({ state: "closed", reason: "stopped by mara" });
  expect(asked()).toHaveLength(1);
});

test("what bash would run and people would not see is looked at too", async () => {
  const hidden = "printf '<!-- page' > index.html\nterraform destroy -auto-approve";
  expect(await guard()(hidden, signal)).toMatchObject({ refused: expect.stringContaining("people would not see") });
  expect(asked()).toEqual([]);
});

test("what people would not see whole is not asked for, nor where nobody can be asked", async () => {
  expect((await guard()(`${script} #${"x".repeat(2000)}`, signal))?.refused).toContain("2000 characters");
  expect((await guard()(`${script}\u202e`, signal))?.refused).toContain("would not see");
  expect((await guard({ channelId: "", rootId: "", hops: 0 })(script, signal))?.refused).toContain(
    "nobody can be asked",
  );
  expect(asked()).toEqual([]);
});
