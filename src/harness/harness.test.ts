/** What the harness does when its own store or the chat server fails it, and what people get to see of that. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { agentConfig } from "../../test/support/agent-config.ts";
import { soon } from "../../test/support/played-agent.ts";
import { FakeChatServer } from "./chat/fake.ts";
import { type Chat, ChatError, type NewPost } from "./chat-port.ts";
import { systemClock } from "./clock.ts";
import { Harness } from "./harness.ts";
import { silentLog } from "./log.ts";
import { receive } from "./store/inbox.ts";
import { keepNote, listNotes } from "./store/memory.ts";
import { openStore, type Store } from "./store/open.ts";
import { droppedAnswers } from "./store/outbox.ts";

vi.setConfig({ testTimeout: 120_000 });

const configWith = (maxAgeHours: number) =>
  agentConfig({
    chat: {
      maxAgeHours,
      people: [
        { id: "bob-id", name: "bob", command: true },
        { id: "alice-id", name: "alice", command: true },
      ],
      agents: [{ id: "hermes-id", name: "hermes" }],
    },
    budget: { run: 1, day: 1 },
  });

let dir: string;
let store: Store;
let server: FakeChatServer;
let harness: Harness;
let calls: number;
/** Statements that were made to fail. */
let failures: number;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "olympus-harness-"));
  store = openStore(dir);
  server = new FakeChatServer();
  server.addUser("athena-id", "athena");
  server.addUser("alice-id", "alice");
  server.addUser("bob-id", "bob");
  server.addUser("hermes-id", "hermes");
  server.addChannel("work", ["athena-id", "alice-id", "bob-id", "hermes-id"]);
  calls = 0;
  failures = 0;
});
afterEach(async () => {
  await harness.stop();
  store.close();
  rmSync(dir, { recursive: true });
});

/** The store, but for statements that begin with one of `sql`: those fail, the first `times` times. */
function failing(sql: string | readonly string[], times: number): Store {
  let left = times;
  const broken = (statement: string) => [sql].flat().some((start) => statement.startsWith(start));
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== "function") return value;
      return (...parts: unknown[]) => {
        if (["run", "get"].includes(String(name)) && broken(String(parts[0])) && left-- > 0) {
          failures++;
          throw new Error("disk is full");
        }
        return (value as (...parts: unknown[]) => unknown).apply(target, parts);
      };
    },
  });
}

async function start({
  on = store,
  chat = server.client("athena-id") as Chat,
  maxAgeHours = 1e6,
  answer = "the answer",
  scale = 5000,
} = {}): Promise<void> {
  harness = new Harness({
    config: configWith(maxAgeHours),
    store: on,
    chat,
    models: {
      call: async () => {
        calls++;
        return { text: answer, finish: "stop", inputTokens: 1, cachedTokens: 0, outputTokens: 1 };
      },
    },
    clock: systemClock(scale),
    log: silentLog,
  });
  await harness.start();
}

const answers = (rootId: string) => server.thread(rootId).flatMap((one) => (one.marker ? [one.text] : []));
const ended = () => store.all("SELECT state, outcome FROM runs WHERE ended_at IS NOT NULL");

test("an answer that was paid for is kept until the outbox takes it", async () => {
  await start({ on: failing("INSERT INTO outbox", 5) });
  const post = server.say("alice-id", "work", "@athena hello");
  await soon(ended).toEqual([{ state: "done", outcome: "answered" }]);
  expect(answers(post.id)).toEqual(["the answer"]);
  expect(calls).toBe(1);
});

test("an outbox that never takes it: one model call, one post that names what failed, an end", async () => {
  await start({ on: failing("INSERT INTO outbox", Number.POSITIVE_INFINITY) });
  const post = server.say("alice-id", "work", "@athena hello");
  await soon(ended).toEqual([{ state: "failed", outcome: "failed: disk is full" }]);
  expect(answers(post.id)).toEqual([expect.stringContaining("I could not finish this: disk is full.")]);
  expect(calls).toBe(1);
  await soon(() => harness.state().running).toEqual([]);
});

test("store and chat server fail together: the last word comes once, when one of them works again", async () => {
  const agent = server.client("athena-id");
  let left = 20;
  // The first one gets through, and its answer is lost.
  const post_ = async (post: NewPost): Promise<string> => {
    if (left === 20) await agent.post(post);
    if (left-- > 0) throw new ChatError("retry", "HTTP 502");
    return agent.post(post);
  };
  server.dedupMs = 0;
  await start({ on: failing("INSERT INTO outbox", 15), chat: { ...agent, post: post_ } });
  const post = server.say("alice-id", "work", "@athena hello");
  await soon(ended).toEqual([{ state: "failed", outcome: "failed: disk is full" }]);
  expect(answers(post.id)).toEqual([expect.stringContaining("disk is full")]);
  expect(calls).toBe(1);
});

test("an outbox that takes only the last word has it delivered like any answer", async () => {
  await start({ on: failing("INSERT INTO outbox", 10) });
  const post = server.say("alice-id", "work", "@athena hello");
  await soon(ended).toEqual([{ state: "failed", outcome: "failed: disk is full" }]);
  expect(answers(post.id)).toEqual([expect.stringContaining("disk is full")]);
  expect(calls).toBe(1);
});

test("an answer that the outbox has is the only one, however long the store then fails, and for reading too", async () => {
  await start({ on: failing(["UPDATE outbox", "SELECT state", "UPDATE runs SET state = ?"], 40) });
  const post = server.say("alice-id", "work", "@athena hello");
  await soon(ended).toEqual([{ state: "done", outcome: "answered" }]);
  expect(answers(post.id)).toEqual(["the answer"]);
  expect([calls, harness.state().undelivered]).toEqual([1, 0]);
});

test("a last word is delivered also when the run's state cannot be read back", async () => {
  // The outbox takes it at the second try; what reads the state fails as long as it is asked without a pause.
  store = failing("SELECT state FROM runs", 1000);
  await start({ on: failing("INSERT INTO outbox", 1) });
  const post = server.say("alice-id", "work", "@athena hello");
  await soon(ended).toEqual([{ state: "failed", outcome: "failed: disk is full" }]);
  expect(answers(post.id)).toEqual([expect.stringContaining("disk is full")]);
  expect(calls).toBe(1);
  expect(failures).toBeLessThan(20);
});

test("a last word is not repeated by the next process, whose store fails as the former one's did", async () => {
  server.dedupMs = 0;
  const ending = ["UPDATE runs SET state"];
  await start({ on: failing(ending, Number.POSITIVE_INFINITY) });
  const post = server.say("alice-id", "work", "@athena hello");
  const lastWord = [expect.stringContaining("disk is full")];
  await soon(() => answers(post.id)).toEqual(lastWord);
  await harness.stop();
  await start({ on: failing(ending, 30) });
  await soon(ended).toEqual([{ state: "failed", outcome: "failed: disk is full" }]);
  expect(answers(post.id)).toEqual(lastWord);
  expect(calls).toBe(1);
});

test("a cost that cannot be booked keeps its reservation and does not cost the answer", async () => {
  await start({ on: failing("UPDATE steps", Number.POSITIVE_INFINITY) });
  const post = server.say("alice-id", "work", "@athena hello");
  await soon(ended).toEqual([{ state: "done", outcome: "answered" }]);
  expect(answers(post.id)).toEqual(["the answer"]);
  expect(calls).toBe(1);
});

test("a 403 from something on the way is waited out, and the answer arrives", async () => {
  let left = 20;
  server.refuse = () => (left-- > 0 ? new ChatError("unclear", "HTTP 403: <html>maintenance</html>") : undefined);
  await start();
  const post = server.say("alice-id", "work", "@athena hello");
  await soon(ended).toEqual([{ state: "done", outcome: "answered" }]);
  expect(answers(post.id)).toEqual(["the answer"]);
  expect(calls).toBe(1);
});

test("a refusal for good ends the answer at once: no later part, and its reason is kept", async () => {
  server.maxPost = 40;
  const tried: number[] = [];
  server.refuse = ({ marker }) => {
    tried.push(marker.part);
    return marker.part === 1 ? new ChatError("refused", "HTTP 403: no permission (x)") : undefined;
  };
  await start({ answer: "first line of the answer\n\nsecond line of the answer\n\nthird line of the answer" });
  const post = server.say("alice-id", "work", "@athena hello");
  await soon(ended).toEqual([{ state: "failed", outcome: "not delivered: HTTP 403: no permission (x)" }]);
  expect(tried).toEqual([0, 1]);
  expect(answers(post.id)).toEqual(["first line of the answer"]);
  expect(droppedAnswers(store, 10)).toMatchObject([{ reason: "HTTP 403: no permission (x)" }]);
  expect(harness.state().undelivered).toBe(0);
});

test("what is refused in unclear words is given up when it is older than a mention may be", async () => {
  server.refuse = () => new ChatError("unclear", "HTTP 400: what?");
  // Some 70 ms.
  await start({ maxAgeHours: 2e-5 });
  server.say("alice-id", "work", "@athena hello");
  await soon(ended).toEqual([{ state: "failed", outcome: "not delivered: HTTP 400: what?" }]);
});

test("a thread that something on the way keeps from being read is told in the end", async () => {
  await start({
    chat: { ...server.client("athena-id"), thread: () => Promise.reject(new ChatError("unclear", "HTTP 404: <html>")) },
  });
  const post = server.say("alice-id", "work", "@athena hello");
  await soon(ended).toEqual([{ state: "failed", outcome: "failed: HTTP 404: <html>" }]);
  expect(answers(post.id)).toEqual([expect.stringContaining("I could not finish this: HTTP 404")]);
  expect(calls).toBe(0);
});

test("what was deleted before its turn is not done: the run ends, and nothing is asked or posted", async () => {
  const agent = server.client("athena-id");
  let reads = 0;
  let late: string | undefined;
  const thread = async (rootId: string) => {
    reads++;
    const posts = await agent.thread(rootId);
    // A copy of the server's database that is behind shows it at the second look.
    return late === undefined || reads > 1 ? posts : posts.filter(({ id }) => id !== late);
  };
  const root = server.say("bob-id", "work", "we have a branch too many");
  const wish = server.say("alice-id", "work", "@athena delete the branch", { rootId: root.id });
  const first = server.say("alice-id", "work", "@athena and this?", { rootId: root.id });
  server.remove(wish.id);
  // Taken in before it was deleted: the fake's page does not have it any more.
  const { id, channelId, rootId, authorId, text, createdAt, direct } = wish;
  const payload = { id, channelId, rootId, authorId, text, createdAt, direct, hops: 0 };
  const entry = { source: "mattermost", sourceId: id, lane: `mattermost:${rootId}`, author: authorId, createdAt };
  receive(store, { ...entry, kind: "mention", payload }, 0);
  await start({ chat: { ...agent, thread } });
  await soon(ended).toEqual([
    { state: "failed", outcome: "failed: it was deleted" },
    { state: "done", outcome: "answered" },
  ]);
  expect(server.thread(root.id).flatMap(({ marker }) => marker?.source ?? [])).toEqual([first.id]);
  expect(calls).toBe(1);
  reads = 0;
  const behind = server.say("alice-id", "work", "@athena are you there?", { rootId: root.id });
  late = behind.id;
  await soon(() => ended().length).toBe(3);
  expect(server.thread(root.id).at(-1)!.marker?.source).toBe(behind.id);
});

/** As a machine that comes back without its data disk. */
async function loseData(): Promise<void> {
  await harness.stop();
  store.close();
  rmSync(dir, { recursive: true });
  store = openStore(dir);
}

test("a command that was answered is not answered again when the database is lost", async () => {
  server.dedupMs = 0;
  await start();
  const posts = ["@athena !help", "@athena !stop", "@athena !retry", "@athena !approve 3f9a1c22d0"].map((text) =>
    server.say("alice-id", "work", text),
  );
  const said = () => posts.map(({ id }) => answers(id).length);
  await soon(said).toEqual([1, 1, 1, 1]);
  await soon(() => ended().length).toBe(4);
  await loseData();
  await start();
  await soon(() => ended().map(({ outcome }) => outcome)).toEqual(Array(4).fill("already answered"));
  expect(said()).toEqual([1, 1, 1, 1]);
});

test("forget, killed before its answer is handed over, says what it forgot, and forgets nothing that it does not tell", async () => {
  const note = { kind: "note" as const, text: "the demo is on Friday", author: "alice-id", name: "alice", at: 0 };
  keepNote(store, note, "p");
  // Slow enough that it is killed between two tries.
  await start({ on: failing("INSERT INTO outbox", Number.POSITIVE_INFINITY), scale: 10 });
  const post = server.say("alice-id", "work", "@athena forget #1");
  await soon(() => failures).toBeGreaterThan(0);
  await harness.stop();
  await start();
  await soon(ended).toHaveLength(1);
  expect(answers(post.id)).toEqual(["Forgotten: #1 the demo is on Friday"]);
  expect(listNotes(store, "note", 5)).toEqual([]);
});

test("a scheduled task whose last word went past a full store is not done again by the next process", async () => {
  server.dedupMs = 0;
  const id = "report@2026-11-21T09:00:00.000Z";
  const asked = { authorId: "schedule:report", text: "Report.", createdAt: 1, direct: false, hops: 0 };
  const entry = { source: "schedule", sourceId: id, lane: "schedule:report", author: "schedule:report", createdAt: 1 };
  receive(store, { ...entry, kind: "schedule", payload: { id, channelId: "work", rootId: "", ...asked } }, 0);
  await start({ on: failing(["INSERT INTO outbox", "UPDATE runs SET state"], Number.POSITIVE_INFINITY) });
  const said = () => server.posts.filter(({ marker }) => marker?.source === id).map(({ text }) => text);
  await soon(said).toEqual([expect.stringContaining("disk is full")]);
  await harness.stop();
  await start();
  await soon(ended).toEqual([{ state: "done", outcome: "already answered" }]);
  expect(said()).toHaveLength(1);
  expect(calls).toBe(1);
});

test("who was renamed in the chat is called by the name there", async () => {
  server.addUser("alice-id", "alice.berg");
  await start();
  const root = server.say("alice-id", "work", "hermes and athena, agree on a colour");
  server.say("hermes-id", "work", "@athena I think otherwise", {
    rootId: root.id,
    automatic: true,
    marker: { run: "r", part: 0, source: "s", hops: 4 },
  });
  await soon(ended).toEqual([{ state: "done", outcome: "hops" }]);
  expect(server.thread(root.id).at(-1)!.text).toContain("@alice.berg, please say how to go on.");
});

test("that agents have to stop is left to a colleague who says it while the server is asked for names", async () => {
  const chat = server.client("athena-id");
  const mark = { part: 0, source: "s", hops: 4 };
  let rootId = "";
  const names = async (ids: readonly string[]) => {
    server.say("hermes-id", "work", "I stop here.", { rootId, automatic: true, marker: { ...mark, run: "hops-s-1" } });
    return chat.names(ids);
  };
  await start({ chat: { ...chat, names } });
  rootId = server.say("alice-id", "work", "hermes and athena, agree on a colour").id;
  server.say("hermes-id", "work", "@athena I think otherwise", {
    rootId,
    automatic: true,
    marker: { ...mark, run: "r" },
  });
  await soon(ended).toEqual([{ state: "done", outcome: "already answered" }]);
  expect(server.thread(rootId).filter(({ authorId }) => authorId === "athena-id")).toEqual([]);
});

test("a used up hop budget is said once a thread, to the person who spoke last in it", async () => {
  await start();
  const root = server.say("alice-id", "work", "hermes and athena, agree on a colour");
  const again = (hops: number) =>
    server.say("hermes-id", "work", "@athena I think otherwise", {
      rootId: root.id,
      automatic: true,
      marker: { run: "r", part: 0, source: "s", hops },
    });
  again(4);
  again(5);
  await soon(ended).toEqual([{ state: "done", outcome: "hops" }]);
  const own = () => server.thread(root.id).filter(({ authorId }) => authorId === "athena-id");
  expect(own().map(({ text }) => text)).toEqual([
    expect.stringMatching(/^I stop here: .* 4 times .* @alice, please say how to go on\.$/),
  ]);
  // The thread still says it.
  await loseData();
  await start();
  await soon(ended).toEqual([{ state: "done", outcome: "already answered" }]);
  expect(own()).toHaveLength(1);
  expect(calls).toBe(0);
});

test("mentions that are too old are said in one post, in the thread of the newest, to those who wrote them", async () => {
  await start();
  const answered = server.say("alice-id", "work", "@athena hello");
  await soon(ended).toHaveLength(1);
  await harness.stop();
  const missed = [
    server.say("alice-id", "work", "@athena one"),
    server.say("bob-id", "work", "@athena two"),
    server.say("alice-id", "work", "@athena three"),
  ];
  server.say("alice-id", "work", "never mind");
  // The fake server's posts are years old.
  await start({ maxAgeHours: 72 });
  await soon(ended).toEqual([
    { state: "done", outcome: "answered" },
    { state: "done", outcome: "late" },
  ]);
  const said = () => [answered, ...missed].map(({ id }) => answers(id).length);
  expect(said()).toEqual([1, 0, 0, 1]);
  expect(answers(missed[2]!.id)[0]).toMatch(/older than 72 hours.* 3 mentions .*@bob, @alice: please mention me again/);
  // Once is enough, whatever comes.
  await harness.stop();
  await start({ maxAgeHours: 72 });
  await soon(() => harness.state().caughtUpAt).toBeDefined();
  expect(said()).toEqual([1, 0, 0, 1]);
  expect([ended().length, harness.state().waiting, calls]).toEqual([2, 0, 1]);
});
