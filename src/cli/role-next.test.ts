import { expect, it } from "vitest";
import { OlympusError } from "../base/errors.ts";
import type { HostResult } from "../converge/result.ts";
import { nextLines } from "./role-next.ts";

const result = (host: string, state: HostResult["state"], code?: `E-${string}`): HostResult => ({
  host,
  state,
  lines: [],
  looked: 1,
  changed: 0,
  kept: [],
  ms: 1,
  ...(code === undefined ? {} : { error: new OlympusError("no", { code }) }),
});

it("names the same command again for those that failed, and who cannot be reached is looked into", () => {
  const hosts = [
    result("athena", "changed"),
    result("ares", "failed", "E-LOCKED"),
    result("poseidon", "failed", "E-SSH-TIMEOUT"),
  ];
  expect(nextLines("setup", ["agent"], hosts)).toEqual([
    "  again for the two:  npx olympus role setup agent --host ares,poseidon",
    "  why poseidon:       npx olympus doctor poseidon",
  ]);
});

it("after a setup that failed half-way: on, or back", () => {
  expect(nextLines("setup", [], [result("ares", "failed", "E-ROLE-APPLY"), result("zeus", "left")])).toEqual([
    "  go on with the two:          npx olympus role setup --host ares,zeus",
    "  or take back what ares got:  npx olympus role rollback --host ares",
  ]);
  expect(nextLines("rollback", [], [result("ares", "failed", "E-ROLE-APPLY")])).toEqual([
    "  again for ares:  npx olympus role rollback --host ares",
  ]);
});

it("never the same again where that can only be refused again; others on the side are still named", () => {
  expect(nextLines("reset", ["node"], [result("agora", "failed", "E-ROLE-REQUIRES")])).toEqual([]);
  expect(nextLines("rollback", [], [result("athena", "failed", "E-ROLE-ROLLBACK")])).toEqual([]);
  const hosts = [result("agora", "failed", "E-ROLE-REQUIRES"), result("ares", "failed", "E-LOCKED")];
  expect(nextLines("reset", ["node"], hosts)).toEqual(["  again for ares:  npx olympus role reset node --host ares"]);
});

it("after a check: what does it; nothing where all is as wished", () => {
  const hosts = [result("athena", "pending"), result("ares", "as-wished")];
  expect(nextLines("check", ["base"], hosts)).toEqual(["  do it:  npx olympus role setup base --host athena"]);
  expect(nextLines("setup", [], [result("athena", "changed")])).toEqual([]);
  expect(nextLines("check", [], hosts, { only: "conf*" })).toEqual([
    "  do it:  npx olympus role setup --only 'conf*' --host athena",
  ]);
});
