import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { FakeChatServer } from "../../src/harness/chat/fake.ts";
import type { Clock } from "../../src/harness/clock.ts";
import { Harness } from "../../src/harness/harness.ts";
import { silentLog } from "../../src/harness/log.ts";
import { keepNote } from "../../src/harness/store/memory.ts";
import { openStore } from "../../src/harness/store/open.ts";
import { agentConfig } from "./agent-config.ts";

const dayMs = 24 * 3600_000;

/**
 * Model calls of the harness's core in a day on which nobody says anything, with memory, quiet hours and a schedule of another day:
 * everything that could make it ask by itself. The clock runs the day in so many seconds.
 */
export async function callsOfADay(seconds: number): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), "olympus-idle-"));
  const store = openStore(dir);
  try {
    const start = Date.parse("2026-11-21T08:30:00Z");
    const began = performance.now();
    const scale = dayMs / (seconds * 1000);
    const clock: Clock = {
      now: () => start + (performance.now() - began) * scale,
      wait: async (ms, signal) => {
        await wait(Math.max(1, ms / scale), undefined, signal === undefined ? {} : { signal });
      },
      scaled: (ms) => Math.max(1, ms / scale),
    };
    const server = new FakeChatServer();
    server.addUser("bot", "athena");
    server.addChannel("dev", ["bot", "jeff"]);
    server.nameChannel("olympus/dev", "dev");
    const note = {
      kind: "fact",
      text: "the third hypervisor is loud",
      author: "jeff",
      name: "jeff",
      at: start,
    } as const;
    keepNote(store, note, "post");
    let calls = 0;
    const harness = new Harness({
      config: agentConfig({
        persona: "You look after planning.",
        chat: {
          botId: "bot",
          people: [{ id: "jeff", name: "jeff", command: true }],
        },
        models: [{ provider: "rehearsal", model: "m", baseUrl: "http://model" }],
        dataDir: dir,
        schedules: [{ name: "report", at: "0 9 * * 1", channel: "olympus/dev", task: "Report." }],
        quietHours: { from: "20:00", to: "08:00" },
      }),
      store,
      chat: server.client("bot"),
      models: {
        call: async () => {
          calls++;
          return { text: "?", finish: "stop", inputTokens: 1, cachedTokens: 0, outputTokens: 1 };
        },
      },
      clock,
      log: silentLog,
    });
    await harness.start();
    while (clock.now() - start < dayMs) await wait(100);
    await harness.stop();
    return calls;
  } finally {
    store.close();
    rmSync(dir, { recursive: true, force: true });
  }
}
