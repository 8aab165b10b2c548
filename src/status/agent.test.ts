import { expect, it } from "vitest";
import type { AgentStatus } from "../dashboard/status.ts";
import { judged, readAnswer } from "./agent.ts";
import { statusLines } from "./lines.ts";
import type { HostStatus } from "./status.ts";

const minute = 60_000;
const now = 1000 * minute;
const harness = {
  chat: "connected",
  reason: undefined,
  connectedAt: now,
  caughtUpAt: now,
  waiting: 0,
  waitingSince: undefined,
  running: [],
  undelivered: 0,
  undeliveredSince: undefined,
  draining: false,
  paused: undefined,
  failing: [],
} satisfies AgentStatus["harness"];
const well: AgentStatus = {
  version: 1,
  agent: "athena",
  team: "lab",
  rehearsal: true,
  models: ["anthropic/first", "openai/second"],
  build: "0123456789ab",
  startedAt: 0,
  now,
  memoryMb: 70,
  spentToday: 1,
  budgetDay: 5,
  overBudget: false,
  harness,
  gates: [],
  quietSince: undefined,
  tools: { state: "on" },
  runs: [],
  dropped: [],
};
const refused = { model: "anthropic/first", since: now - 9 * minute, why: "key refused" } as const;
const running = [{ id: "r", lane: "l", kind: "mention", since: now - 30 * minute }];
const said = (change: Partial<AgentStatus>) => {
  const { state, detail } = judged({ ...well, ...change });
  return [state, detail];
};

it.each<[Partial<AgentStatus>, string, string]>([
  [{}, "fine", "agent: idle"],
  [{ harness: { ...harness, waiting: 2 } }, "fine", "agent: idle, 2 waiting"],
  [
    { harness: { ...harness, running }, quietSince: now - 3 * minute },
    "fine",
    "agent: working on 1, the first for 30 min",
  ],
  [
    { harness: { ...harness, running }, quietSince: now - 25 * minute },
    "broken",
    "agent: stuck: no sign of life in its work for 25 min, working on 1, the first for 30 min",
  ],
  // It answers, and takes nothing up.
  [
    { harness: { ...harness, waiting: 2, waitingSince: now - 7 * minute } },
    "broken",
    "agent: stuck: work waits for 7 min, and it begins none, idle, 2 waiting",
  ],
  [{ harness: { ...harness, waiting: 1, waitingSince: now - 4 * minute } }, "fine", "agent: idle, 1 waiting"],
  [
    { startedAt: now - minute, harness: { ...harness, waiting: 1, waitingSince: now - 70 * minute } },
    "fine",
    "agent: idle, 1 waiting",
  ],
  [
    { harness: { ...harness, running, waiting: 1, waitingSince: now - 7 * minute } },
    "fine",
    "agent: working on 1, the first for 30 min, 1 waiting",
  ],
  [
    {
      harness: {
        ...harness,
        waiting: 1,
        waitingSince: now - 7 * minute,
        paused: { by: "alice", since: now - 9 * minute },
      },
    },
    "attention",
    "agent: paused by alice 9 min ago, idle, 1 waiting",
  ],
  [
    { harness: { ...harness, draining: true, waiting: 1, waitingSince: now - 7 * minute } },
    "attention",
    "agent: is stopping, idle, 1 waiting",
  ],
  [
    { harness: { ...harness, connectedAt: 0, running, undelivered: 1, undeliveredSince: now - 8 * minute } },
    "broken",
    "agent: stuck: an answer is not delivered for 8 min, working on 1, the first for 30 min",
  ],
  // The chat came back just now.
  [{ harness: { ...harness, undelivered: 1, undeliveredSince: now - 8 * minute } }, "fine", "agent: idle"],
  [
    { harness: { ...harness, chat: "unauthorised", reason: "the token is refused" } },
    "broken",
    "agent: chat unauthorised: the token is refused, idle",
  ],
  [{ forge: ["olympus/app: 401 Bad credentials"] }, "broken", "agent: forge olympus/app: 401 Bad credentials, idle"],
  [{ harness: { ...harness, failing: [refused] } }, "attention", "agent: anthropic/first: key refused, 9 min, idle"],
  [
    { models: ["anthropic/first"], harness: { ...harness, failing: [refused] } },
    "broken",
    "agent: anthropic/first: key refused, 9 min, idle",
  ],
  [{ harness: { ...harness, caughtUpAt: undefined } }, "attention", "agent: catching up with the chat, idle"],
  [{ tools: { state: "off", reason: "no bubblewrap" } }, "broken", "agent: no shell: no bubblewrap, idle"],
  [
    { disk: "the disk is full: 1.0 MiB are left for /srv/olympus/agent, it takes 8" },
    "broken",
    "agent: the disk is full: 1.0 MiB are left for /srv/olympus/agent, it takes 8, idle",
  ],
  [
    { gates: [{ what: "merge olympus/app#3", since: now - 22 * minute, who: ["mara", "kim"] }] },
    "attention",
    "agent: waits for mara or kim: merge olympus/app#3, 22 min, idle",
  ],
  [
    { gates: [{ what: "deploy web", since: now - 2 * minute, who: [] }] },
    "attention",
    "agent: waits for an approval: deploy web, 2 min, idle",
  ],
  // Calls are not let past a budget: it is used up before it is reached.
  [{ spentToday: 4.97, overBudget: true }, "attention", "agent: today's budget of $5.00 is used up, idle"],
  [{ spentToday: 4.97 }, "fine", "agent: idle"],
  [
    { harness: { ...harness, paused: { by: "alice", since: now - 5 * minute } } },
    "attention",
    "agent: paused by alice 5 min ago, idle",
  ],
])("%j is %s: %s", (change, state, detail) => {
  expect(said(change)).toEqual([state, detail]);
});

it("takes an agent that was set up before, or after, at its word", () => {
  const { overBudget: _, gates: __, build: ___, ...rest } = well;
  const { failing: ____, ...before } = harness;
  const older = { ...rest, harness: before };
  const gate = { what: "merge olympus/app#3", since: now };
  expect(readAnswer({ ...older, gates: [gate] }).detail).toContain("waits for an approval: merge olympus/app#3");
  expect(readAnswer({ ...older, shoeSize: 46 })).toMatchObject({ state: "fine", facts: { build: "" } });
  expect(readAnswer({ ...older, spentToday: 5 }).detail).toContain("used up");
});

it.each<[unknown, string]>([
  ["hello", "something answers in its place that is no agent"],
  [null, "something answers in its place that is no agent"],
  [{ status: "up" }, "something answers in its place that is no agent"],
  [{ harness: { chat: "connected" } }, "its answer is not what an agent says"],
  [{ ...well, harness: { ...harness, running: 7 } }, "its answer is not what an agent says (harness.running)"],
  [{ ...well, build: 12 }, "its answer is not what an agent says (build)"],
  [{ ...well, memoryMb: "much" }, "its answer is not what an agent says (memoryMb)"],
  [{ ...well, gates: {} }, "its answer is not what an agent says (gates)"],
])("%j in its place is broken: %s", (answer, detail) => {
  const { state, detail: told, facts } = readAnswer(answer);
  expect([state, facts]).toEqual(["broken", undefined]);
  expect(told).toContain(`agent: ${detail}`);
});

it("puts what needs somebody first, and says when agents run different versions", () => {
  const host = (name: string, change: Partial<AgentStatus>): HostStatus => {
    const { facts, next, ...answer } = judged({ ...well, ...change });
    return { name, kind: "agent", ...answer, next: next === "" ? "" : `npx olympus ${next} ${name}`, agent: facts! };
  };
  const hosts = [
    host("athena", {}),
    host("apollo", { overBudget: true }),
    host("ares", { tools: { state: "off" }, build: "ffffffffffff" }),
  ];
  expect(statusLines(hosts, "Asked in 0.1 s.")).toEqual([
    "broken      ares    agent: no shell, idle   npx olympus logs ares",
    "attention   apollo  agent: today's budget of $5.00 is used up, idle   npx olympus open apollo",
    "1 of 3 hosts are fine. Asked in 0.1 s.",
    "Agents run different versions (athena, apollo 01234567; ares ffffffff): npm run role -- setup agent",
  ]);
  expect(statusLines([hosts[0]!], "Asked in 0.1 s.")).toEqual(["athena is fine. Asked in 0.1 s."]);
  expect(statusLines([hosts[0]!], "", ["ares"])).toEqual(["1 of 2 hosts are fine.", "No answer yet: ares"]);
});
