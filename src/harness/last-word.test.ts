import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lastWord } from "./last-word.ts";
import { silentLog } from "./log.ts";
import type { RunParts } from "./run.ts";
import { type InboxKind, receive } from "./store/inbox.ts";
import { openStore } from "./store/open.ts";
import { nextPart } from "./store/outbox.ts";
import { claimNext } from "./store/runs.ts";

test.each([
  ["mention", "mention me again"],
  ["review", "mention me again"],
  ["gate", "I look again later"],
] as const)("what becomes of a %s that failed is told as it is", async (kind: InboxKind, told: string) => {
  const dir = mkdtempSync(join(tmpdir(), "olympus-last-word-"));
  const store = openStore(dir);
  try {
    const payload = { id: "p", channelId: "c", rootId: "r", authorId: "a", text: "", createdAt: 1, hops: 0 };
    receive(store, { source: "github", sourceId: "p", lane: "l", kind, author: "a", createdAt: 1, payload }, 1);
    const run = claimNext(store, 1)!;
    const parts = { store, clock: { now: () => 1 }, log: silentLog } as unknown as RunParts;
    expect(await lastWord(parts, run, "disk is full", new AbortController().signal)).toBe("stored");
    expect(JSON.parse(nextPart(store, run.id)!.payload).text).toMatch(
      new RegExp(`^I could not finish this: disk is full.*${told}`),
    );
  } finally {
    store.close();
    rmSync(dir, { recursive: true });
  }
});
