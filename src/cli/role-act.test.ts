import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, expect, it, vi } from "vitest";
import { labTeam } from "../../test/support/team.ts";
import { silentReporter } from "../base/report.ts";
import type { HostResult } from "../converge/result.ts";
import type { ApplyRolesOptions } from "../converge/run.ts";
import type { CommandContext } from "./context.ts";
import { act } from "./role-act.ts";

const looked: HostResult = { host: "athena", state: "as-wished", lines: [], looked: 0, changed: 0, kept: [], ms: 1 };
let found: HostResult;

// What a host would answer; nothing is connected to.
vi.mock("../converge/run.ts", () => ({
  applyRoles: async ({ confirm }: ApplyRolesOptions) => {
    if (found.state === "pending") await confirm!([found]);
    return { changed: 0, hosts: [found], errors: [] };
  },
}));

const { team, folder } = await labTeam();
vi.stubEnv("OLYMPUS_STATE", join(folder, "state"));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** Everything that was said, in order. */
const said: string[] = [];
beforeEach(() => void said.splice(0));
const context: CommandContext = {
  reporter: {
    ...silentReporter(),
    info: (line) => void said.push(line),
    result: (text) => void said.push(...text.split("\n")),
  },
  options: { json: false, yes: false, debug: false, input: true },
  loadTeam: async () => team,
  confirm: async (question) => {
    said.push(question);
    return false;
  },
  signal: new AbortController().signal,
  endsByInterruption: () => undefined,
};

it("a reset of a role that is not set up there says so, and is no failure", async () => {
  found = { ...looked, absent: ["github"] };
  expect(await act(context, "reset", ["github"], { host: "athena" })).toBe(0);
  expect(said).toEqual([
    "athena: github is not set up there",
    expect.stringMatching(/^1 host: nothing to undo, \d\.\d s$/),
  ]);
});

it("a rollback names the run that it would undo, then asks", async () => {
  const undoneRun = { what: "role setup all", who: "kim@laptop", since: 1_795_417_920, secondsAgo: 7200 };
  found = { ...looked, state: "pending", lines: [{ role: "base", summary: "/etc/x: remove", diff: [] }], undoneRun };
  expect(await act(context, "rollback", [], { host: "athena" })).toBe(6);
  expect(said.slice(0, 3)).toEqual([
    "athena     1 to undo of role setup all by kim@laptop, 2026-11-23 07:12 (2 h ago)",
    "  ~ base: /etc/x: remove",
    "Roll back athena?",
  ]);
});
