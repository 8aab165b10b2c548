import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ForgeKind, laneOf } from "../forge-work.ts";
import { receive } from "../store/inbox.ts";
import { openStore, type Store } from "../store/open.ts";
import { claimNext, finish } from "../store/runs.ts";
import { enterLooks, waits } from "./looks.ts";

const dir = mkdtempSync(join(tmpdir(), "olympus-looks-"));
const hour = 3600_000;
const day = 24 * hour;
const began = 100 * day;
let store: Store;
beforeEach(() => {
  store = openStore(dir);
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

/** A look at a pull request that came to this end; what is to be looked at a day later. */
function after(kind: ForgeKind, state: "done" | "failed", outcome: string): string[] {
  const payload = { repo: "Zeus/App", number: 3 };
  const entry = { source: "github", author: "zeus", createdAt: began, payload };
  receive(store, { ...entry, sourceId: `${kind}-x`, lane: laneOf("zeus/app", 3), kind }, began);
  finish(store, claimNext(store, began)!, state, outcome, began);
  enterLooks(store, "zeus/app", began + day);
  enterLooks(store, "zeus/app", began + day);
  return store.all<{ kind: string }>("SELECT kind FROM inbox WHERE state = 'new'").map(({ kind: next }) => next);
}

const cases = [
  { why: "what waits", kind: "gate", state: "done", outcome: waits, again: true },
  { why: "a gate's look that failed", kind: "gate", state: "failed", outcome: "failed: bad gateway", again: true },
  { why: "a review whose lens is not given yet", kind: "review", state: "done", outcome: waits, again: true },
  { why: "a review that was given", kind: "review", state: "done", outcome: "done", again: false },
  { why: "a review that a person stopped", kind: "review", state: "failed", outcome: "stopped by mara", again: false },
  { why: "a review that ends the process", kind: "review", state: "failed", outcome: "gave up", again: false },
  { why: "a review that failed", kind: "review", state: "failed", outcome: "failed: refused", again: false },
] as const;
test.each(cases)("$why: looked at again by itself, once: $again", ({ kind, state, outcome, again }) => {
  expect(after(kind, state, outcome)).toEqual(again ? [kind] : []);
});
