import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { costBy } from "./costs.ts";
import { advanceCursor, cursorOf } from "./cursors.ts";
import { type InboxEntry, noticedSince, receive, waiting, waitingSince } from "./inbox.ts";
import { lockDataDir } from "./lock.ts";
import { changesOf, keptOf, messagesOf } from "./look.ts";
import { migrations } from "./migrations.ts";
import { openStore, type Store } from "./open.ts";
import {
  drop,
  droppedAnswers,
  dropReason,
  handOver,
  markSent,
  nextPart,
  pendingParts,
  pendingSince,
} from "./outbox.ts";
import { claimNext, finish, leaveOpen, recentRuns, resumeOpen } from "./runs.ts";
import { recordStep, reserveCall, settleCall, spentByRun, spentSince } from "./steps.ts";
import { keepChange, turnsOf } from "./turns.ts";
import { cancelIn } from "./work.ts";

let dir: string;
let store: Store;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "olympus-store-"));
  store = openStore(dir);
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

const entry = (sourceId: string, lane = "l1", createdAt = 1): InboxEntry => ({
  source: "mattermost",
  sourceId,
  lane,
  kind: "mention",
  author: "alice",
  createdAt,
  payload: { id: sourceId },
});

test("the same event twice is one entry", () => {
  expect(receive(store, entry("p1"), 10)).toBe(true);
  expect(receive(store, entry("p1"), 11)).toBe(false);
  expect(waiting(store)).toBe(1);
});

test("lanes: one run at a time in each, oldest first, side by side across them", () => {
  receive(store, entry("p2", "l1", 20), 0);
  receive(store, entry("p1", "l1", 10), 0);
  receive(store, entry("p3", "l2", 30), 0);
  const first = claimNext(store, 0)!;
  const second = claimNext(store, 0)!;
  expect([first.sourceId, second.sourceId]).toEqual(["p1", "p3"]);
  expect(claimNext(store, 0)).toBeUndefined();
  finish(store, first, "done", "answered", 5);
  expect(claimNext(store, 0)!.sourceId).toBe("p2");
  expect(recentRuns(store, 10)).toHaveLength(3);
});

test("the most urgent is begun first, however late it came; of equals the oldest, and one's own lane is waited for", () => {
  const urgent = [
    ["old-p2", "l1", 10, 3],
    ["young-p2", "l2", 20, 3],
    ["p1", "l3", 30, 2],
    ["p0", "l4", 40, 1],
    ["person", "l5", 50, 0],
  ] as const;
  for (const [id, lane, at, priority] of urgent) receive(store, { ...entry(id, lane, at), priority }, 0);
  const begun = urgent.map(() => claimNext(store, 0)!);
  expect(begun.map(({ sourceId }) => sourceId)).toEqual(["person", "p0", "p1", "old-p2", "young-p2"]);
  receive(store, { ...entry("next-p0", "l4", 60), priority: 1 }, 0);
  expect(claimNext(store, 0)).toBeUndefined();
});

test("what a dead process left open is resumed, in the state it had, and counted", () => {
  receive(store, entry("p1", "l1"), 0);
  receive(store, entry("p2", "l2"), 0);
  const answered = claimNext(store, 0)!;
  claimNext(store, 0);
  handOver(store, answered, [{ text: "a" }, { text: "b" }], "answered", 1);
  store.close();
  store = openStore(dir);
  expect(resumeOpen(store).map(({ id, state, starts }) => [id, state, starts])).toEqual([
    ["p1-1", "delivering", 1],
    ["p2-1", "running", 2],
  ]);
});

test("an orderly stop is no start that failed: only what still runs is counted back", () => {
  receive(store, entry("p1", "l1"), 0);
  receive(store, entry("p2", "l2"), 0);
  const open = [claimNext(store, 0)!, claimNext(store, 0)!];
  handOver(store, open[0]!, [{ text: "a" }], "answered", 1);
  leaveOpen(
    store,
    open.map((run) => ({ run })),
  );
  expect(resumeOpen(store).map(({ state, starts }) => [state, starts])).toEqual([
    ["delivering", 1],
    ["running", 1],
  ]);
});

test("a run's conversations are shown in their order, the tenth task's last", () => {
  receive(store, entry("p1"), 0);
  const { id } = claimNext(store, 0)!;
  const parts = ["chat", "code", "code-2", "code-10"];
  for (const part of parts) turnsOf(store, id, part).append({ role: "user", content: part });
  expect(messagesOf(store, id, 10, 0).map(({ part }) => part)).toEqual(parts);
  expect(messagesOf(store, id, 1, 0).map(({ part }) => part)).toEqual(["code-10"]);
  expect(messagesOf(store, id, 2, 1).map(({ part }) => part)).toEqual(["code", "code-2"]);
});

test("what was said and changed in a run stays to be looked at, until enough newer ones are over; what was released to it goes at once", () => {
  const ended = (id: string, at: number) => {
    receive(store, entry(id, id), at);
    const run = claimNext(store, at)!;
    turnsOf(store, run.id, "chat").append({ role: "user", content: "hello" });
    turnsOf(store, run.id, "chat").append({ role: "tool", content: "salaries", sensitive: true });
    keepChange(store, run.id, { repo: "acme/shop", head: "c0ffee", diff: "+x".repeat(200_000) });
    expect(keptOf(store, run.id)).toEqual({ messages: 2, changes: 1 });
    return run;
  };
  const long = ended("long", 0);
  for (let at = 1; at <= 160; at++) finish(store, ended(`p${at}`, at), "done", "answered", at);
  const runs = recentRuns(store, 200).reverse();
  expect(runs.map(({ id }) => keptOf(store, id).messages)).toEqual([2, ...Array(60).fill(0), ...Array(100).fill(1)]);
  expect(runs.filter(({ id }) => keptOf(store, id).changes > 0)).toHaveLength(101);
  expect(store.all("SELECT 1 FROM turns WHERE message LIKE '%salaries%'")).toHaveLength(1);
  const [change] = changesOf(store, runs.at(-1)!.id);
  expect(change!.diff).toMatch(/^(\+x){100000}\n\[cut here\]\n$/);
  // Begun before all that are kept, and over after them.
  finish(store, long, "done", "answered", 200);
  expect(keptOf(store, long.id)).toEqual({ messages: 0, changes: 0 });
});

test("the outbox sends in order, each part once, and gives up what is refused, with what comes after it", () => {
  receive(store, entry("p1"), 0);
  const run = claimNext(store, 0)!;
  const parts = [{ text: "a" }, { text: "b" }, { text: "c" }];
  handOver(store, run, parts, "answered", 1);
  handOver(store, run, parts, "answered", 1);
  expect(pendingParts(store)).toBe(3);
  markSent(store, nextPart(store, run.id)!, "post-1", 2);
  expect(dropReason(store, run.id)).toBeUndefined();
  drop(store, nextPart(store, run.id)!, "gone");
  expect(nextPart(store, run.id)).toBeUndefined();
  expect(dropReason(store, run.id)).toBe("gone");
  finish(store, run, "failed", "not delivered: gone", 5);
  expect(droppedAnswers(store, 10)).toEqual([{ run: run.id, at: 5, reason: "gone" }]);
  expect(droppedAnswers(store, 10, 6)).toEqual([]);
});

test("what somebody stopped before it was sent is no answer that could not be delivered", () => {
  receive(store, entry("p1"), 0);
  const run = claimNext(store, 0)!;
  handOver(store, run, [{ text: "a" }], "answered", 1);
  cancelIn(store, {}, 1, "stopped by alice", 2);
  expect(dropReason(store, run.id)).toBe("stopped by alice");
  expect(droppedAnswers(store, 10)).toEqual([]);
});

test("files of an answer leave the database with its end, whichever it is", () => {
  receive(store, entry("p1"), 0);
  const run = claimNext(store, 0)!;
  const files = [{ name: "a.bin", base64: "AAAA" }];
  handOver(
    store,
    run,
    [
      { text: "a", files },
      { text: "b", files },
    ],
    "answered",
    1,
  );
  const kept = () =>
    store.all<{ payload: string }>("SELECT payload FROM outbox ORDER BY part").map((row) => row.payload);
  markSent(store, nextPart(store, run.id)!, "post-1", 2);
  expect(kept()).toEqual(['{"text":"a"}', JSON.stringify({ text: "b", files })]);
  drop(store, nextPart(store, run.id)!, "gone");
  expect(kept()).toEqual(['{"text":"a"}', '{"text":"b"}']);
});

test("a transaction is whole or not at all", () => {
  expect(() =>
    store.transaction(() => {
      receive(store, entry("p1"), 0);
      throw new Error("no");
    }),
  ).toThrow("no");
  expect(waiting(store)).toBe(0);
});

test("what could be taken up waits since it came or its conversation was free, whatever is held back waits for nobody", () => {
  expect([waitingSince(store), pendingSince(store)]).toEqual([undefined, undefined]);
  receive(store, entry("p1", "l1"), 10);
  receive(store, entry("p2", "l1"), 20);
  expect(waitingSince(store)).toBe(10);
  const first = claimNext(store, 30)!;
  // Of a lane that is taken.
  expect(waitingSince(store)).toBeUndefined();
  handOver(store, first, [{ text: "one" }, { text: "two" }], "answered", 35);
  expect(pendingSince(store)).toBe(35);
  for (const at of [36, 37]) markSent(store, nextPart(store, first.id)!, "post", at);
  expect(pendingSince(store)).toBeUndefined();
  finish(store, first, "done", "answered", 40);
  expect(waitingSince(store)).toBe(40);
  claimNext(store, 45);
  receive(store, { ...entry("i1", "issue"), kind: "issue" }, 50);
  expect([waitingSince(store), waitingSince(store, "issue")]).toEqual([50, undefined]);
});

test("cursors only go forward", () => {
  expect(cursorOf(store, "mattermost", "c")).toBeUndefined();
  advanceCursor(store, "mattermost", "c", 10);
  advanceCursor(store, "mattermost", "c", 5);
  expect(cursorOf(store, "mattermost", "c")).toBe(10);
});

test("a notice is remembered for its author", () => {
  receive(store, { ...entry("p1"), kind: "notice" }, 100);
  expect(noticedSince(store, "alice", 50)).toBe(true);
  expect(noticedSince(store, "alice", 150)).toBe(false);
  expect(noticedSince(store, "bob", 50)).toBe(false);
});

test("a reserved call counts as spent until it is settled", () => {
  receive(store, entry("p1"), 0);
  const run = claimNext(store, 0)!;
  const step = reserveCall(store, {
    run: run.id,
    at: 10,
    day: "2026-11-21",
    provider: "openai",
    model: "m",
    usd: 0.5,
    inputTokens: 100,
    outputTokens: 50,
  });
  recordStep(store, { run: run.id, kind: "ack", at: 10, outcome: "ok" });
  expect(spentByRun(store, run.id)).toEqual({ usd: 0.5, tokens: 150 });
  settleCall(store, step, { outcome: "ok", usd: 0.1, inputTokens: 30, outputTokens: 5, tookMs: 7 });
  expect(spentSince(store, 10)).toEqual({ usd: 0.1, tokens: 35 });
  expect(spentSince(store, 11)).toEqual({ usd: 0, tokens: 0 });
  expect(costBy(store, ["day", "provider", "model"], "2026-11-22")).toEqual([]);
  expect(costBy(store, ["day", "provider", "model"], "2026-11-21")).toEqual([
    {
      day: "2026-11-21",
      provider: "openai",
      model: "m",
      calls: 1,
      failed: 0,
      inputTokens: 30,
      cachedTokens: 0,
      outputTokens: 5,
      usd: 0.1,
      tookMs: 7,
    },
  ]);
});

test("a newer database is refused and left as it is", () => {
  store.close();
  const path = join(dir, "harness.sqlite");
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA user_version = ${migrations.length + 1}`);
  db.close();
  const before = readFileSync(path);
  expect(() => openStore(dir)).toThrow(
    `version ${migrations.length + 1}, this harness knows up to ${migrations.length}`,
  );
  expect(readFileSync(path).equals(before)).toBe(true);
  const mend = new DatabaseSync(path);
  mend.exec(`PRAGMA user_version = ${migrations.length}`);
  mend.close();
  store = openStore(dir);
});

test("a second process on the same folder is refused, until the first is gone", () => {
  const lock = lockDataDir(dir);
  expect(() => lockDataDir(dir)).toThrow(/another harness/);
  lock.release();
  lockDataDir(dir).release();
});

test("a database of any older version is brought forward with all that was under way", () => {
  const shape = (one: Store) =>
    one.all<{ sql: string }>("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name");
  for (let version = 1; version < migrations.length; version++) {
    const old = mkdtempSync(join(dir, "old-"));
    const db = new DatabaseSync(join(old, "harness.sqlite"));
    db.exec(`PRAGMA journal_mode = WAL; ${migrations.slice(0, version).join("\n")} PRAGMA user_version = ${version}`);
    // In the words of the first version, which all later ones understand.
    db.exec(`
      INSERT INTO inbox (source, source_id, lane, kind, author, created_at, received_at, payload, state) VALUES
        ('mattermost', 'p1', 'l1', 'mention', 'alice', 1, 2, '{"id":"p1","text":"one"}', 'claimed'),
        ('mattermost', 'p2', 'l1', 'mention', 'alice', 3, 4, '{"id":"p2","text":"two"}', 'new');
      INSERT INTO runs (id, inbox, lane, kind, state, starts, outcome, started_at)
        VALUES ('p1-1', 1, 'l1', 'mention', 'delivering', 1, 'answered', 5);
      INSERT INTO lanes VALUES ('l1', 'p1-1', 5);
      INSERT INTO steps (run, kind, at, took_ms, outcome, provider, model, input_tokens, cached_tokens, output_tokens, usd)
        VALUES ('p1-1', 'model', 6, 7, 'ok', 'openai', 'm', 100, 10, 20, 0.5);
      INSERT INTO outbox (run, part, payload, state, target_id, created_at, sent_at)
        VALUES ('p1-1', 0, '{"text":"first"}', 'sent', 'a1', 8, 9);
      INSERT INTO outbox (run, part, payload, attempts, created_at) VALUES ('p1-1', 1, '{"text":"second"}', 1, 8);
      INSERT INTO cursors VALUES ('mattermost', 'work', 123);
      INSERT INTO meta VALUES ('schedule:report', '99');
    `);
    const notes = migrations.findIndex((sql) => sql.includes("CREATE TABLE notes")) + 1;
    if (version >= notes)
      db.exec(
        "INSERT INTO notes (kind, text, author, name, at, source) VALUES ('note', 'the mill stands still', 'alice', 'Alice', 1, 'p0')",
      );
    db.close();

    const now = openStore(old);
    const where = `from version ${version}`;
    expect(shape(now), where).toEqual(shape(store));
    expect(now.get("PRAGMA user_version"), where).toEqual({ user_version: migrations.length });
    expect(resumeOpen(now), where).toMatchObject([
      { id: "p1-1", state: "delivering", starts: 1, sourceId: "p1", payload: '{"id":"p1","text":"one"}' },
    ]);
    expect(nextPart(now, "p1-1"), where).toMatchObject({ part: 1, attempts: 1, payload: '{"text":"second"}' });
    expect(cursorOf(now, "mattermost", "work"), where).toBe(123);
    expect(now.meta("schedule:report"), where).toBe("99");
    expect(claimNext(now, 10), where).toBeUndefined();
    expect(spentByRun(now, "p1-1").usd, where).toBe(0.5);
    expect(now.all("SELECT calls, usd FROM costs"), where).toEqual([{ calls: 1, usd: 0.5 }]);
    if (version >= notes)
      expect(now.all("SELECT rowid FROM notes_text WHERE notes_text MATCH 'mills'"), where).toHaveLength(1);
    markSent(now, nextPart(now, "p1-1")!, "a2", 11);
    finish(now, resumeOpen(now)[0]!, "done", "answered", 12);
    expect(claimNext(now, 13), where).toMatchObject({ sourceId: "p2" });
    now.close();
  }
});
