import { expect, test } from "vitest";
import { driftOf } from "./drift.ts";
import type { LocalRecord } from "./history.ts";
import type { HostState } from "./result.ts";

const record = (minute: number, what: string, hosts: Readonly<Record<string, [HostState, number]>>): LocalRecord => ({
  v: 1,
  at: new Date(minute * 60_000).toISOString(),
  what,
  who: "mara@desk",
  ms: 1,
  exit: 0,
  hosts: Object.entries(hosts).map(([host, [state, pending]]) => ({ host, state, changed: 0, pending })),
});
const pendingOf = (records: readonly LocalRecord[]) =>
  Object.fromEntries([...driftOf(records)].map(([host, { at, pending }]) => [host, [at / 60_000, pending]]));

test("each host by the last check that looked at it; one that could not be looked at keeps what was known", () => {
  const first = record(1, "check", { athena: ["pending", 3], agora: ["as-wished", 0] });
  expect(pendingOf([first])).toEqual({ athena: [1, 3], agora: [1, 0] });
  const second = record(2, "check", { athena: ["failed", 0], agora: ["pending", 1] });
  expect(pendingOf([first, second])).toEqual({ athena: [1, 3], agora: [2, 1] });
  const third = record(3, "check", { athena: ["as-wished", 0] });
  expect(pendingOf([first, second, third])).toEqual({ athena: [3, 0], agora: [2, 1] });
});

test("a check of some roles says nothing of the others; a setup makes void what was found before it", () => {
  const all = record(1, "check", { athena: ["pending", 2] });
  const base = record(2, "check base", { athena: ["as-wished", 0] });
  const agent = record(3, "check agent", { athena: ["pending", 1] });
  expect(pendingOf([all, base])).toEqual({ athena: [2, 2] });
  expect(pendingOf([all, base, agent])).toEqual({ athena: [3, 3] });
  expect(pendingOf([all, base, agent, record(4, "setup", { athena: ["changed", 3] })])).toEqual({ athena: [4, 0] });
  expect(pendingOf([all, record(4, "reset agent", { athena: ["pending", 9] })])).toEqual({ athena: [1, 2] });
});
