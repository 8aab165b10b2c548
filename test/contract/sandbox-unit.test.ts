/** The agent's unit as the role writes it, run by the real systemd: whether the sandbox can be made in it, and stays inside. */
import { expect, test } from "vitest";
import { type AgentUnit, agentUnit } from "../../roles/agent/unit.ts";
import { underSystemd } from "../support/own-systemd.ts";
import type { Printed, ProbeResult } from "../support/sandbox-program.ts";

const unit: AgentUnit = {
  agent: "athena",
  node: "/mnt/project/node_modules/.bin/node",
  nodeFlags: [],
  environment: { HARNESS_TOKEN: "canary-environment" },
  bundle: "/mnt/project",
  credentials: ["token"],
  memoryMax: 300,
  drain: 30,
};
const secrets = { token: "canary-credential" };
const program = "test/support/sandbox-program.ts";

test("with a shell: commands are sandboxed and limited in the hardened unit, and one that is killed for its memory takes nobody along", async () => {
  const printed = (await underSystemd({
    unit: agentUnit({ ...unit, shell: { memory: 400, processes: 200 } }),
    program: [program, "ordinary", "daemon", "forkBomb", "memory", "secrets", "privileges", "allowed"],
    secrets,
  })) as ProbeResult[];
  const of = (name: string) => printed.find((one) => one.name === name);
  expect(printed.map((one) => one.name)).toHaveLength(7);
  expect(of("ordinary")).toMatchObject({ code: 7, text: "hello\nworld\n" });
  expect(of("memory")).toMatchObject({ ending: "memory" });
  expect(of("forkBomb")).toMatchObject({ ending: "timeout", outOfProcesses: true });
  expect(of("allowed")?.text).toContain("the web server saw /tunnel");
  expect(of("privileges")?.text).toMatch(/CapEff:\t0+\n/);
  expect(of("privileges")?.text).not.toContain("WORKED");
  expect(JSON.stringify(printed)).not.toMatch(/canary-(environment|credential|database)/);
  // systemd's own helpers come and go beside it.
  const left = printed.flatMap((one) => one.left).filter((one) => !/^process \d+ (\/lib\/systemd|\(sd-)/.test(one));
  expect(left).toEqual([]);
}, 900_000);

test("G7 in the closed unit of agents without a shell there is no sandbox, and so no tool", async () => {
  const printed = (await underSystemd({ unit: agentUnit(unit), program: [program, "ordinary"], secrets })) as Printed[];
  expect(printed).toEqual([{ unavailable: expect.stringMatching(/not delegated|lack/) }]);
}, 900_000);
