import { mkdtempSync, rmSync } from "node:fs";
import type * as promises from "node:fs/promises";
import type * as os from "node:os";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { agentConfig } from "../../../test/support/agent-config.ts";
import { dayUsedUp } from "../budget.ts";
import { openStore } from "../store/open.ts";
import { spentSince } from "../store/steps.ts";
import { dayStart } from "../zone.ts";
import { obstacleToWork } from "./capacity.ts";

const MiB = 1024 * 1024;
const machine = vi.hoisted(() => ({ load: 0, memory: 0, disk: 0 }));
vi.mock("node:os", async (original) => ({
  ...(await original<typeof os>()),
  availableParallelism: () => 2,
  loadavg: () => [machine.load, 0, 0],
  freemem: () => machine.memory,
}));
vi.mock("node:fs/promises", async (original) => ({
  ...(await original<typeof promises>()),
  statfs: async () => ({ bavail: machine.disk / 4096, bsize: 4096 }),
}));

const dir = mkdtempSync(join(tmpdir(), "olympus-capacity-"));
const store = openStore(dir);
afterAll(() => {
  store.close();
  rmSync(dir, { recursive: true });
});
beforeEach(() => Object.assign(machine, { load: 1, memory: 300 * MiB, disk: 3000 * MiB }));

const config = agentConfig({
  sandbox: { memory: 1024, disk: 4096 },
  budget: { run: 1, day: 10, dayTokens: 1000 },
  limits: { outputTokens: 40 },
});
const now = Date.UTC(2026, 10, 21, 12);
const obstacle = () => obstacleToWork(config, store, now);

test("no issue is begun while load, memory or disk are over their limits", async () => {
  expect(await obstacle()).toBeUndefined();
  machine.load = 9;
  expect(await obstacle()).toBe("the load is 4.5 for each processor");
  Object.assign(machine, { load: 8, memory: 255 * MiB });
  expect(await obstacle()).toBe("there is little memory left");
  Object.assign(machine, { memory: 256 * MiB, disk: 2303 * MiB });
  expect(await obstacle()).toBe("there is little disk left");
});

test("nor while the day's dollars or tokens are nearly used up; the next day counts anew", async () => {
  store.run(
    "INSERT INTO inbox (id, source, source_id, lane, kind, author, created_at, received_at, payload) VALUES (1, 's', '1', 'l', 'issue', 'a', 1, 1, '{}')",
  );
  store.run("INSERT INTO runs (id, inbox, lane, kind, state, started_at) VALUES ('r', 1, 'l', 'issue', 'running', 1)");
  const spend = (usd: number, tokens: number) =>
    store.run(
      "INSERT INTO steps (run, kind, at, outcome, usd, input_tokens, output_tokens) VALUES ('r', 'model', ?, 'ok', ?, ?, 0)",
      now - 1000,
      usd,
      tokens,
    );
  spend(9.4, 900);
  expect(await obstacle()).toBeUndefined();
  spend(0, 50);
  expect(await obstacle()).toBe("the day's tokens are nearly used up");
  spend(0.1, 0);
  expect(await obstacle()).toBe("the day's budget is nearly used up");
  expect(await obstacleToWork(config, store, now + 24 * 3600_000)).toBeUndefined();
});

test("nor while less is left than an answer alone may cost: no call is let through any more, though the share is not reached", () => {
  const priced = { provider: "openai", model: "m", keyFile: "k", price: { input: 1, output: 1000 } } as const;
  const dear = agentConfig({ models: [priced], budget: { run: 9, day: 10 }, limits: { outputTokens: 400 } });
  // 9.5 $ and 950 tokens were spent.
  const spent = spentSince(store, dayStart(now, dear.timezone));
  expect(dayUsedUp(spent, { ...dear, budget: { ...dear.budget, day: 10.4 } })).toBeUndefined();
  expect(dayUsedUp(spent, { ...dear, budget: { ...dear.budget, day: 9.89 } })).toBe("budget");
  expect(dayUsedUp(spent, { ...dear, budget: { ...dear.budget, day: 99, dayTokens: 1349 } })).toBe("tokens");
  expect(dayUsedUp(spent, { ...dear, budget: { ...dear.budget, day: 99, dayTokens: 1350 } })).toBeUndefined();
});
