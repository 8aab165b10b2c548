import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { labTeam } from "../../test/support/team.ts";
import { OlympusError } from "../base/errors.ts";
import { silentReporter } from "../base/report.ts";
import { runStack } from "../machines/stack.ts";
import type { SshTarget } from "../ssh/connection.ts";
import { type DestroyOptions, destroy } from "./destroy.ts";

// Pulumi and the hypervisors are played: two with a data disk each, and one that may be down.
const down = vi.hoisted(() => new Set<string>());
const pools = vi.hoisted(() => new Map<string, string[]>());
vi.mock("../machines/stack.ts", async (real) => ({ ...(await real<object>()), runStack: vi.fn() }));
vi.mock("../machines/driver/session.ts", async (real) => ({
  ...(await real<object>()),
  openSession: () => ({ env: { PULUMI_BACKEND_URL: "https://elsewhere" } }),
}));
vi.mock("../ssh/connect.ts", () => ({
  connectSsh: async (target: SshTarget) => {
    if (down.has(target.name)) throw noAnswer(target.name);
    return { target, exec: async (command: string) => played(target.name, command), close: () => undefined };
  },
}));

const noAnswer = (name: string): OlympusError =>
  new OlympusError(`${name} does not answer`, { code: "E-SSH-TIMEOUT", exit: 4, where: name });

function played(name: string, command: string) {
  const pool = pools.get(name)!;
  const gone = /vol-delete (\S+)/.exec(command)?.[1];
  if (gone !== undefined) pool.splice(pool.indexOf(gone), 1);
  const table = pool.map((volume) => ` ${volume}   /pool/${volume}   file   4.00 GiB   1.20 GiB`).join("\n");
  return { code: 0, stdout: command.includes("--details") ? table : "pool active\n", stderr: "" };
}

let lab: Awaited<ReturnType<typeof labTeam>>;
beforeAll(async () => {
  lab = await labTeam();
});
afterAll(() => rmSync(lab.folder, { recursive: true }));
beforeEach(() => {
  vi.stubEnv("SOPS_AGE_KEY_FILE", join(lab.folder, "age.txt"));
  down.clear();
  pools.set("r420", ["lab.athena.data.qcow2"]).set("r720xd", ["lab.agora.data.qcow2"]);
  vi.mocked(runStack).mockImplementation(async ({ hypervisor }) => {
    const error = down.has(hypervisor) ? noAnswer(hypervisor) : undefined;
    const changed = error === undefined ? 4 : 0;
    return { hypervisor, changes: [], growing: [], steps: [], changed, failed: [], error };
  });
});

async function run(names: readonly string[], options: DestroyOptions) {
  const reporter = silentReporter();
  const asked: string[] = [];
  const hypervisors = lab.team.hypervisors.map((one) => ({ ...one, hostKey: "ssh-ed25519 AAAA" }));
  const context = {
    reporter,
    signal: new AbortController().signal,
    options: { json: false, yes: true, debug: false, input: false },
    loadTeam: async () => ({ ...lab.team, hypervisors }),
    confirm: async (question: string) => asked.push(question) > 0,
    endsByInterruption: () => undefined,
  };
  const code = await destroy(context, names, options).catch((error: unknown) => error);
  return { code, asked, said: reporter.lines.at(-1), told: reporter.events.at(-1) };
}

it("says which data disks stay, how full they are and where, and how the machines come back", async () => {
  const { code, asked, said, told } = await run([], { all: true });
  expect(code).toBe(0);
  expect(asked).toEqual([expect.stringContaining("Data disks stay: athena (4.00 GiB, 1.20 GiB used), agora (")]);
  expect(said?.split("\n")).toEqual([
    "stays    athena (4.00 GiB, 1.20 GiB used), lab.athena.data.qcow2 on r420",
    "stays    agora (4.00 GiB, 1.20 GiB used), lab.agora.data.qcow2 on r720xd",
    "Make them again: npx olympus up",
  ]);
  expect(told).toMatchObject({ changed: 8, deleted: [], kept: [{ machine: "athena" }, { machine: "agora" }] });
});

it("says which data disk went because it was named twice, and only of machines that were meant", async () => {
  const { code, said } = await run(["athena"], { purgeData: ["athena"], confirm: ["athena"] });
  expect(code).toBe(0);
  expect(said).toBe("deleted  athena (4.00 GiB, 1.20 GiB used)\nMake them again: npx olympus up");
  expect([...pools.values()]).toEqual([[], ["lab.agora.data.qcow2"]]);
});

it("a hypervisor that is down: the others go on, it is named, exit 4, and nobody is told to make anything again", async () => {
  down.add("r420");
  const { code, said, told } = await run([], { all: true, purgeData: ["agora"], confirm: ["agora"] });
  expect(code).toMatchObject({ exit: 4, errors: [{ code: "E-SSH-TIMEOUT", where: "r420" }] });
  expect(said).toBe("deleted  agora (4.00 GiB, 1.20 GiB used)");
  expect(told).toMatchObject({ changed: 4, errors: ["E-SSH-TIMEOUT"] });
  expect([...pools.values()]).toEqual([["lab.athena.data.qcow2"], []]);
});

it("a hypervisor that was never made, and is down, is no success", async () => {
  down.add("r420");
  // Pulumi has nothing to do there and does not ask it.
  vi.mocked(runStack).mockImplementation(async ({ hypervisor }) => ({
    ...{ hypervisor, changes: [], growing: [], steps: [], changed: 0, failed: [], error: undefined },
  }));
  expect((await run([], { all: true })).code).toMatchObject({ exit: 4, errors: [{ where: "r420" }] });
});

it("a data disk stays where its machine could not be destroyed, although it was to go", async () => {
  const error = new OlympusError("the provider gave up", { code: "E-PULUMI", where: "r420" });
  vi.mocked(runStack).mockImplementation(async ({ hypervisor }) => ({
    ...{ hypervisor, changes: [], growing: [], steps: [], changed: 0, failed: ["athena"], error },
  }));
  const { code, said } = await run(["athena"], { purgeData: ["athena"], confirm: ["athena"] });
  expect(code).toMatchObject({ exit: 2, errors: [error] });
  expect(said).toBe("stays    athena (4.00 GiB, 1.20 GiB used), lab.athena.data.qcow2 on r420");
  expect(pools.get("r420")).toHaveLength(1);
});

it("a data disk that is to go with a machine whose hypervisor is down stops all of it before anything is done", async () => {
  down.add("r420");
  const before = vi.mocked(runStack).mock.calls.length;
  const { code } = await run([], { all: true, purgeData: ["athena"], confirm: ["athena"] });
  expect(code).toMatchObject({ code: "E-SSH-TIMEOUT", exit: 4 });
  expect(vi.mocked(runStack).mock.calls).toHaveLength(before);
});
