import { rmSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { labTeam } from "../../test/support/team.ts";
import { connectSsh } from "../ssh/connect.ts";
import type { SshConnection } from "../ssh/connection.ts";
import { growDataDisks } from "./grow.ts";
import type { StandingOptions } from "./standing.ts";

vi.mock("../ssh/connect.ts");

let lab: Awaited<ReturnType<typeof labTeam>>;
let options: StandingOptions;
/** What was run where, and what fails. */
let asked: string[];
let failing: RegExp;

beforeAll(async () => {
  lab = await labTeam();
  const hypervisors = lab.team.hypervisors.map((one) => ({ ...one, hostKey: "ssh-ed25519 AAAA" }));
  options = {
    team: { ...lab.team, hypervisors },
    secrets: lab.secrets,
    hypervisor: "r420",
    signal: new AbortController().signal,
  };
});
afterAll(() => rmSync(lab.folder, { recursive: true }));
beforeEach(() => {
  asked = [];
  failing = /never/;
  vi.mocked(connectSsh).mockImplementation(async (target) => {
    const exec = async (command: string) => {
      const word = /blockresize|pool-refresh|resize2fs/.exec(command)?.[0];
      asked.push(`${target.name} ${word}`);
      return { code: failing.test(command) ? 1 : 0, stdout: "", stderr: failing.test(command) ? "no room" : "" };
    };
    return { target, exec, close: () => undefined } satisfies SshConnection;
  });
});

const growth = () => {
  const machine = lab.team.machines.find(({ name }) => name === "athena")!;
  return [{ machine, from: machine.data - 1024 }];
};

it("a disk grows, then its file system; both are one change", async () => {
  const { changes, failures } = await growDataDisks(options, growth(), ["athena"]);
  expect(asked).toEqual(["r420 blockresize", "r420 pool-refresh", "athena resize2fs"]);
  expect(changes).toMatchObject([{ machine: "athena", detail: expect.stringMatching(/^data \d/) }]);
  expect(failures).toEqual([]);
});

it("where the disk had grown before, only its file system does", async () => {
  const { changes } = await growDataDisks(options, [], ["athena"]);
  expect(asked).toEqual(["athena resize2fs"]);
  expect(changes).toMatchObject([{ machine: "athena", kind: "update" }]);
});

it("nobody is asked where nothing is to grow", async () => {
  await growDataDisks(options, [], []);
  expect(connectSsh).not.toHaveBeenCalled();
});

it.each([
  ["file system", /resize2fs/, "E-DATA-GROW"],
  ["disk", /blockresize/, "E-LIBVIRT"],
])("a %s that does not grow is an error of its machine, and no change", async (_what, pattern, code) => {
  failing = pattern;
  const { changes, failures } = await growDataDisks(options, growth(), []);
  expect(changes).toEqual([]);
  expect(failures).toMatchObject([{ machine: "athena", error: { code, message: expect.stringContaining("no room") } }]);
});
