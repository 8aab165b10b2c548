import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { forgeConfig } from "../../../test/support/forge-agents.ts";
import { systemClock } from "../clock.ts";
import { ForgeError, type ForgeIssue, type ForgeReader } from "../forge-port.ts";
import { silentLog } from "../log.ts";
import { openStore, type Store } from "../store/open.ts";
import { Poller } from "./poller.ts";

const app = { name: "zeus/app", label: "olympus" };
const minute = 60_000;
const start = 1_800_000_000_000;

let dir: string;
let store: Store;
/** What the forge has, and how looking at one of it fails. */
let issues: ForgeIssue[];
let failing: Map<number, ForgeError>;
let asked: number[];
let seen: number[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "olympus-poller-"));
  store = openStore(dir);
  [issues, failing, asked, seen] = [[], new Map(), [], []];
});

afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

const issue = (number: number, updatedAt: number) => ({ number, updatedAt, isPull: false }) as ForgeIssue;
const gone = new ForgeError("missing", "This issue was deleted", { status: 410 });

const one = async (number: number): Promise<ForgeIssue> => {
  const failure = failing.get(number);
  if (failure !== undefined) throw failure;
  return issues.find((had) => had.number === number)!;
};
const forge = {
  changed: async (_: string, since: number) => {
    asked.push(since);
    return issues.filter(({ updatedAt }) => updatedAt >= since).sort((a, b) => a.updatedAt - b.updatedAt);
  },
  issuesLabelled: async () => [],
  issue: (_: string, number: number) => one(number),
  events: (_: string, number: number) => one(number).then(() => []),
} as Partial<ForgeReader> as ForgeReader;

/** A process's, at a time of the forge's. */
function poller(now: number): Poller {
  return new Poller({
    config: forgeConfig("athena", "http://forge", ["athena"], dir).forge!,
    forge,
    store,
    clock: { ...systemClock(), now: () => now },
    log: silentLog,
    takers: [{ wants: () => ({ events: true }), take: ({ issue: { number } }) => void seen.push(number) }],
    wake: () => undefined,
  });
}

test("an issue that is deleted, in the list or after it was taken in, keeps no other one from being seen", async () => {
  const looks = poller(start);
  issues = [issue(1, start), issue(2, start + 1000)];
  failing.set(2, gone);
  await looks.look(app);
  expect(seen).toEqual([1]);
  // The first one is looked into again, for it changed just now.
  failing.set(1, gone);
  issues = [issue(3, start + 2000)];
  await looks.look(app);
  await looks.look(app);
  expect(seen).toEqual([1, 3]);
});

test("what is looked into again moves the cursor past nothing that was not taken in: after a limit or a kill it is listed again", async () => {
  issues = [issue(1, start)];
  const before = poller(start);
  await before.look(app);
  issues = [issue(2, start + 5 * minute), issue(1, start + 30 * minute)];
  failing.set(2, new ForgeError("retry", "the limit is reached", { retryAfterMs: 1000 }));
  await expect(before.look(app)).rejects.toThrow("limit");
  expect(seen).toEqual([1, 1]);
  failing.clear();
  await poller(start + 31 * minute).look(app);
  expect(asked.at(-1)).toBeLessThanOrEqual(start);
  expect(seen).toContain(2);
});
