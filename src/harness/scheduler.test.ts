import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { agentConfig } from "../../test/support/agent-config.ts";
import { callsOfADay } from "../../test/support/idle-day.ts";
import { FakeChatServer } from "./chat/fake.ts";
import { ChatError } from "./chat-port.ts";
import type { Clock } from "./clock.ts";
import type { AgentConfigInput } from "./config.ts";
import { Harness } from "./harness.ts";
import { silentLog } from "./log.ts";
import type { ModelCaller, ModelRequest } from "./model-port.ts";
import { Scheduler } from "./scheduler.ts";
import { openStore, type Store } from "./store/open.ts";

let dir: string;
let store: Store;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "olympus-schedule-"));
  store = openStore(dir);
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

const config = (schedules: NonNullable<AgentConfigInput["schedules"]>) =>
  agentConfig({
    chat: {
      botId: "bot",
      people: [{ id: "jeff", name: "jeff", command: true }],
    },
    models: [{ provider: "rehearsal", model: "m", baseUrl: "http://model" }],
    dataDir: dir,
    schedules,
  });
const report = { name: "report", at: "0 9 * * *", channel: "olympus/dev", task: "Report." };
const start = Date.parse("2026-11-21T08:30:00Z");
const hour = 3600_000;

function scheduler(
  now: () => number,
  schedules: NonNullable<AgentConfigInput["schedules"]> = [report],
  channelNamed = async () => "dev",
) {
  const clock = { now } as Clock;
  return new Scheduler({
    config: config(schedules),
    store,
    chat: { channelNamed },
    clock,
    log: silentLog,
    wake: () => undefined,
  });
}
const taken = () => store.all<{ source_id: string }>("SELECT source_id FROM inbox").map((row) => row.source_id);

test("each time is taken in once, also by a process that begins anew", async () => {
  let now = start;
  await scheduler(() => now).look();
  expect(taken()).toEqual([]);
  for (let look = 0; look < 30; look++) {
    now += hour;
    await scheduler(() => now).look();
  }
  expect(taken()).toEqual(["report@2026-11-21T09:00:00.000Z", "report@2026-11-22T09:00:00.000Z"]);
});

test("a clock that is set back takes nothing in twice", async () => {
  let now = start;
  const one = scheduler(() => now);
  await one.look();
  now += hour;
  await one.look();
  now -= 2 * hour;
  await one.look();
  now += 2 * hour;
  await one.look();
  expect(taken()).toHaveLength(1);
});

test("a clock that was years ahead at a first boot does not silence a schedule for years", async () => {
  let now = Date.parse("2030-01-01T00:00:00Z");
  const ahead = scheduler(() => now);
  await ahead.look();
  now = start;
  await ahead.look();
  now = start + hour;
  await ahead.look();
  expect(taken()).toEqual(["report@2026-11-21T09:00:00.000Z"]);
});

test("while the chat is away what is due stays due; a channel that is gone is told and left", async () => {
  let now = start;
  let error: ChatError | undefined = new ChatError("retry", "away");
  const one = scheduler(
    () => now,
    [report],
    async () => {
      if (error !== undefined) throw error;
      return "dev";
    },
  );
  await one.look();
  now += hour;
  expect(await one.look()).toBe(false);
  error = undefined;
  await one.look();
  expect(taken()).toHaveLength(1);
  now += 24 * hour;
  error = new ChatError("refused", "no such channel");
  await one.look();
  error = undefined;
  await one.look();
  expect(taken()).toHaveLength(1);
});

/** A day in seconds: time passes `speed` times faster, for the clock and for waits alike. */
function fastClock(speed: number): Clock {
  const began = Date.now();
  return {
    now: () => start + Math.round((Date.now() - began) * speed),
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, Math.max(1, ms / speed));
        signal?.addEventListener("abort", () => {
          clearTimeout(timer);
          reject(signal.reason as Error);
        });
      }),
    scaled: (ms) => Math.max(1, ms / speed),
  };
}

test("D16 a day without anybody, with memory and a schedule for another day: no model is asked", {
  timeout: 60_000,
}, async () => {
  expect(await callsOfADay(2)).toBe(0);
});

test("what is due is done and posted in its channel, once", { timeout: 60_000 }, async () => {
  const server = new FakeChatServer();
  server.addUser("bot", "athena");
  server.addChannel("dev", ["bot", "jeff"]);
  server.nameChannel("olympus/dev", "dev");
  const requests: ModelRequest[] = [];
  const models: ModelCaller = {
    call: async (_, request) => {
      requests.push(request);
      return { text: "All is well.", finish: "stop", inputTokens: 1, cachedTokens: 0, outputTokens: 1 };
    },
  };
  const clock = fastClock(5_000);
  const harness = new Harness({
    config: config([report]),
    store,
    chat: server.client("bot"),
    models,
    clock,
    log: silentLog,
  });
  await harness.start();
  await expect.poll(() => server.posts.length, { timeout: 30_000 }).toBe(1);
  await expect.poll(() => harness.state().running.length, { timeout: 30_000 }).toBe(0);
  await harness.stop();
  expect(server.posts).toMatchObject([{ channelId: "dev", authorId: "bot", text: "All is well." }]);
  expect(requests[0]!.messages).toEqual([
    { role: "user", content: "[your own schedule report, due 2026-11-21 09:00 Etc/UTC] Report." },
  ]);
  expect(requests).toHaveLength(1);
});

test("an answer that begins a thread is found behind more than a page of others: it is not said twice", {
  timeout: 60_000,
}, async () => {
  const server = new FakeChatServer();
  server.now = start;
  // As the real one half a minute later: only the marker is left to know it by.
  server.dedupMs = 0;
  server.addUser("bot", "athena");
  server.addChannel("dev", ["bot", "jeff"]);
  server.nameChannel("olympus/dev", "dev");
  const chat = server.client("bot");
  let tries = 0;
  const harness = new Harness({
    config: config([report]),
    store,
    chat: {
      ...chat,
      post: async (post) => {
        const id = await chat.post(post);
        if (++tries > 1) return id;
        for (let n = 0; n < 201; n++) server.say("jeff", "dev", `in between ${n}`);
        throw new ChatError("retry", "no answer in time");
      },
    },
    models: {
      call: async () => ({ text: "All is well.", finish: "stop", inputTokens: 1, cachedTokens: 0, outputTokens: 1 }),
    },
    clock: fastClock(5_000),
    log: silentLog,
  });
  await harness.start();
  await expect
    .poll(() => store.get("SELECT outcome FROM runs WHERE ended_at IS NOT NULL"), { timeout: 30_000 })
    .toMatchObject({ outcome: "answered" });
  await harness.stop();
  expect(server.posts.filter(({ authorId }) => authorId === "bot")).toHaveLength(1);
});
