import { expect, test } from "vitest";
import { channels, people, stormPlan } from "./storm-plan.ts";

const size = { mentions: 1000, cuts: 50, kills: 20, restarts: 10, whileDown: 100 };

test("a seed makes the same plan, another seed another", () => {
  expect(stormPlan(7, size)).toEqual(stormPlan(7, size));
  expect(stormPlan(7, size)).not.toEqual(stormPlan(8, size));
});

test("everything that is to happen happens, over all people and channels, in threads and direct messages", () => {
  for (let seed = 0; seed < 50; seed++) {
    const plan = stormPlan(seed, size);
    const count = (fault: string) => plan.flatMap(({ faults }) => faults).filter((one) => one === fault).length;
    expect(["cut", "kill", "restart", "down", "up"].map(count)).toEqual([50, 20, 10, 1, 1]);
    expect(new Set(plan.map(({ person }) => person)).size).toBe(people);
    expect(new Set(plan.flatMap(({ channel }) => channel ?? [])).size).toBe(channels);
    expect(plan.filter(({ channel }) => channel === undefined).length).toBeGreaterThan(50);
    expect(plan.filter(({ thread }) => thread !== undefined).length).toBeGreaterThan(300);
    const down = plan.findIndex(({ faults }) => faults.includes("down"));
    const up = plan.findIndex(({ faults }) => faults.includes("up"));
    expect(up - down).toBe(100);
    for (const [index, { thread, channel, person }] of plan.entries()) {
      if (thread === undefined) continue;
      const first = plan[thread]!;
      expect([thread < index, first.channel, first.thread]).toEqual([true, channel, undefined]);
      if (channel === undefined) expect(first.person).toBe(person);
    }
  }
});
