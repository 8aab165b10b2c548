import { receive } from "../../src/harness/store/inbox.ts";
import type { Store } from "../../src/harness/store/open.ts";
import { handOver, markSent, nextPart } from "../../src/harness/store/outbox.ts";
import { claimNext, finish } from "../../src/harness/store/runs.ts";
import { recordStep, reserveCall, settleCall } from "../../src/harness/store/steps.ts";

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
