import { wishGate } from "../../src/harness/gates/book.ts";
import { receive } from "../../src/harness/store/inbox.ts";
import { keepNote } from "../../src/harness/store/memory.ts";
import type { Store } from "../../src/harness/store/open.ts";
import { handOver, markSent, nextPart } from "../../src/harness/store/outbox.ts";
import { claimNext, finish } from "../../src/harness/store/runs.ts";
import { recordStep, reserveCall, settleCall } from "../../src/harness/store/steps.ts";
import { keepChange, turnsOf } from "../../src/harness/store/turns.ts";

const models = ["rehearsal", "rehearsal-small"];
/** Of ten steps of a run, those that are calls to models. */
const calls = new Set([1, 4, 8]);
const dayMs = 24 * 3600 * 1000;

/** Gives an agent a past of `runs` mentions with ten steps each, spread over `days` days up to `now`, written as the harness writes it. */
export function fillPast(store: Store, runs: number, days: number, now: number): void {
  store.transaction(() => {
    for (let n = 0; n < runs; n++) oneRun(store, n, now - Math.round(((runs - n) / runs) * days * dayMs));
  });
}

function oneRun(store: Store, n: number, at: number): void {
  const id = `past${n}`;
  const lane = `mattermost:thread${n % 500}`;
  const payload = { id, text: `can you look at number ${n}`, authorId: "alice", channelId: "c", rootId: id };
  receive(
    store,
    { source: "mattermost", sourceId: id, lane, kind: "mention", author: "alice", createdAt: at, payload },
    at,
  );
  const run = claimNext(store, at)!;
  for (let step = 0; step < 10; step++) {
    const when = at + step * 1000;
    if (!calls.has(step)) {
      recordStep(store, { run: run.id, kind: "tool", at: when, tookMs: 20, outcome: "ok", detail: `ran number ${n}` });
      continue;
    }
    const day = new Date(when).toISOString().slice(0, 10);
    const model = models[n % models.length]!;
    const call = { run: run.id, at: when, day, provider: "rehearsal", model, usd: 0.01, inputTokens: 900 };
    const reserved = reserveCall(store, { ...call, outputTokens: 100 });
    const outcome = n % 50 === 0 ? "timeout" : "ok";
    settleCall(store, reserved, { outcome, tookMs: 800, usd: 0.004, inputTokens: 900, outputTokens: 40 });
  }
  handOver(store, run, [{ text: `number ${n} is well` }], "answered", at + 10_000);
  markSent(store, nextPart(store, run.id)!, `post${n}`, at + 10_000);
  finish(store, run, "done", "answered", at + 10_000);
}

/** A line that grows when it is written as markup. */
export const oddLine = 'const "it\'s" = `<b>ü && n</b>`;\n';

/** Gives an agent texts as long as they come: a conversation, messages and changes of its newest run, notes and gates. Gives that run and its lane. */
export function fillTexts(store: Store, now: number): { run: string; lane: string } {
  const lane = "mattermost:long";
  const author = { author: "alice", name: "alice" };
  const merge = {
    action: "merge",
    approvers: undefined,
    author: "x",
    lenses: [],
    repo: "olympus/app",
    run: "r",
  } as const;
  return store.transaction(() => {
    let run = "";
    for (let n = 0; n < 50; n++) run = oneTalk(store, lane, n, now + n);
    for (let n = 0; n < 60; n++)
      recordStep(store, { run, kind: "tool", at: now, outcome: "ok", detail: `${n} ${oddLine.repeat(9)}` });
    const turns = turnsOf(store, run, "chat");
    for (let n = 0; n < 30; n++)
      turns.append({ role: "assistant", content: `said ${n} ${oddLine.repeat(200)} end ${n}` });
    const calls = [{ id: "1", name: "bash", input: { script: oddLine.repeat(200) } }];
    turns.append({ role: "assistant", content: "last", calls });
    const lines = Array.from({ length: 1200 }, (_, n) => `+line ${n} ${oddLine}`).join("");
    keepChange(store, run, { repo: "olympus/app", head: "a".repeat(40), diff: `diff --git a/x b/x\n${lines}` });
    keepChange(store, run, { repo: "olympus/min", head: "b".repeat(40), diff: `+${"<'\"".repeat(20_000)}` });
    for (let n = 0; n < 100; n++)
      keepNote(store, { kind: "note", text: `note ${n} ${oddLine.repeat(n % 20)}`, ...author, at: now }, `note${n}`);
    for (let n = 0; n < 30; n++) {
      const question = `gate ${n} ${oddLine.repeat(30)}`;
      wishGate(store, { ...merge, kinds: ["merge"], number: n + 1, commit: "c".repeat(40), question }, now, 24);
    }
    return { run, lane };
  });
}

function oneTalk(store: Store, lane: string, n: number, at: number): string {
  const id = `long${n}`;
  const payload = { id, text: `asked ${n} ${oddLine.repeat(80)}`, authorId: "alice", channelId: "c", rootId: id };
  const entry = { source: "mattermost", sourceId: id, lane, kind: "mention", author: "alice" } as const;
  receive(store, { ...entry, createdAt: at, payload }, at);
  const run = claimNext(store, at)!;
  const posts = [0, 1, 2].map((post) => ({ text: `answered ${n}.${post} ${oddLine.repeat(100)}` }));
  handOver(store, run, posts, "answered", at);
  for (const post of posts.keys()) markSent(store, nextPart(store, run.id)!, `${id}.${post}`, at);
  finish(store, run, "done", "answered", at);
  return run.id;
}
