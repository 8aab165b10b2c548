import { describe, expect, it } from "vitest";
import { compileSetup } from "./apply-script.ts";
import { noFacts } from "./facts.ts";
import type { Operation } from "./operations.ts";
import { planHost } from "./plan.ts";
import { clockSkew } from "./session.ts";

describe("#32 a host's clock", () => {
  it("is only called wrong where no time that the answer took explains it", () => {
    const asked = 1_000_000;
    expect([1000, 1001, 1003].map((epoch) => clockSkew(epoch, asked, asked + 3000))).toEqual([0, 0, 0]);
    expect(clockSkew(1000 + 7200, asked, asked + 3000)).toBe(7197);
    expect(clockSkew(1000 - 7200, asked, asked + 3000)).toBe(-7199);
  });

  it("is stepped before anything else is done", () => {
    const file: Operation = { kind: "file", id: "f", path: "/f", content: "1" };
    const plan = planHost([{ role: "one", operations: [file] }], noFacts, empty);
    const info = { run: "r1", who: "w", what: "x", generation: "", epoch: 0 };
    const { script } = compileSetup(plan, { ...info, stepClock: 7200 })(new Map());
    const order = ["\nbegin ", "\npreflight clock step_clock 7200\n", "\nrun 1 "].map((words) => script.indexOf(words));
    expect(order.every((at) => at > 0)).toBe(true);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(compileSetup(plan, info)(new Map()).script).not.toContain("preflight clock");
  });
});

const empty = {
  ...{ generation: "", pending: [], lock: undefined, claims: {}, journal: [] },
  ...{ allClaims: [], history: [], format: 0, epoch: 0 },
};
