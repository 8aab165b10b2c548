import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { identify } from "../base/process.ts";
import type { MachineFacts } from "../prerequisites/machine.ts";
import { computerObstacles, mustAsk, planQuickstart, stillNeeds } from "./quickstart-plan.ts";

const facts: MachineFacts = {
  system: "Debian GNU/Linux 12 (bookworm)",
  isDebian12: true,
  cores: 2,
  freeMemory: 5,
  freeDisk: 10,
  isRoot: false,
  processor: "arm64",
};

describe("what this computer lacks", () => {
  it("is told all at once, each with its next step", () => {
    const found = computerObstacles(facts, stillNeeds(false, false), ["/home"]);
    expect(found.map(({ message }) => message)).toEqual([
      "5.0 GB of memory are free, 7 are needed",
      "10 GB of disk are free, 18 are needed",
      "nothing can be written in /home",
      "namespaces, mounts and bridges need root",
      "machines are made for x86-64 processors; this one is arm64",
    ]);
    for (const error of found) expect(error).toMatchObject({ code: "E-QUICKSTART", exit: 1, hint: expect.any(String) });
  });

  it("does not count what our own lab has taken, nor what is built already", () => {
    const good = { ...facts, isRoot: true, processor: "x64" };
    expect(computerObstacles({ ...good, freeMemory: 0.5, freeDisk: 2 }, stillNeeds(true, true))).toEqual([]);
    expect(computerObstacles({ ...good, freeMemory: 7 }, stillNeeds(false, true))).toEqual([]);
    expect(computerObstacles({ ...good, freeMemory: 7 }, stillNeeds(false, false))).toHaveLength(1);
    // Tools that must be built are told in the time, too.
    expect([stillNeeds(false, false).minutes, stillNeeds(false, true).minutes]).toEqual([20, 6]);
  });
});

it("asks for whatever this computer does not have yet, and not again for a lab that is there", () => {
  expect(mustAsk(true, true, [])).toBe(false);
  expect([mustAsk(false, true, []), mustAsk(true, false, []), mustAsk(true, true, ["dnsmasq"])]).toEqual([
    true,
    true,
    true,
  ]);
});

it("a second one beside one that works says who that is, before anything else", async () => {
  const state = mkdtempSync(join(tmpdir(), "olympus-plan-"));
  vi.stubEnv("OLYMPUS_STATE", state);
  try {
    const holder = { ...identify(process.ppid), command: "olympus quickstart", since: Date.now() };
    writeFileSync(join(state, "quickstart.lock"), JSON.stringify(holder));
    await expect(planQuickstart("/nowhere.yaml")).rejects.toMatchObject({
      code: "E-LOCKED",
      exit: 75,
      message: expect.stringMatching(/^olympus quickstart \(process \d+, since \d\d:\d\d:\d\d\) is at work here$/),
    });
  } finally {
    vi.unstubAllEnvs();
    rmSync(state, { recursive: true });
  }
});
