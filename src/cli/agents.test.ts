import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { OlympusError } from "../base/errors.ts";
import { projectRoot } from "../base/paths.ts";
import { silentReporter } from "../base/report.ts";
import type { DataDisk } from "../machines/destroy.ts";
import { loadTeam } from "../team/load.ts";
import { command } from "./agents.ts";
import type { CommandContext } from "./context.ts";

const { world } = vi.hoisted(() => ({ world: { disks: [] as DataDisk[], chatIsUp: true, retired: [] as string[] } }));

// Each is proven on VMs and a real chat; here it counts what is made of their answers.
vi.mock("../../secrets/store.ts", () => ({ openSecrets: async () => ({ get: () => undefined }) }));
vi.mock("../machines/destroy.ts", () => ({
  dataDisksOn: async (_: unknown, { name }: { name: string }) => world.disks.filter((one) => one.hypervisor === name),
  destroyAll: async () => [{ hypervisor: "r420", changed: 0, error: undefined }],
  purgeDisks: async (_common: unknown, _hypervisor: unknown, gone: readonly DataDisk[]) => {
    world.disks = world.disks.filter((one) => !gone.includes(one));
  },
}));
vi.mock("../bootstrap/retire.ts", () => ({
  retireBot: async ({ agent }: { agent: string }) => {
    if (!world.chatIsUp) throw new OlympusError("the chat does not answer", { code: "E-CHAT-UNREACHABLE" });
    world.retired.push(agent);
    return 1;
  },
}));

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "olympus-agents-"));
  file = join(folder, "team.yaml");
  copyFileSync(join(projectRoot, "examples/quickstart/team.yaml"), file);
  const disk = { hypervisor: "r420", size: "4.00 GiB", used: "1.00 GiB" };
  world.disks = ["athena", "hermes"].map((machine) => ({ ...disk, machine, volume: `lab.${machine}.data.qcow2` }));
  world.chatIsUp = true;
  world.retired = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

/** As a person types it. Gives what was shown. */
async function agents(...words: string[]): Promise<string> {
  const reporter = silentReporter();
  const context: CommandContext = {
    reporter,
    options: { json: false, yes: false, debug: false, input: false },
    signal: new AbortController().signal,
    endsByInterruption: () => undefined,
    loadTeam: () => loadTeam(file),
    confirm: async () => true,
  };
  const program = new Command();
  command.register(
    program,
    (action) =>
      async (...args) =>
        void (await action(context, ...args)),
  );
  await program.parseAsync(["agents", ...words], { from: "user" });
  return reporter.lines.join("\n");
}

const add = (): Promise<string> =>
  agents(
    ...["add", "hermes", "--like", "athena", "--address", "10.220.1.53"],
    ...["--persona", "You are Hermes.", "--email", "hermes@olympus.example"],
  );

it("a new agent comes with the commands that make it", async () => {
  expect(await add()).toContain("npx olympus secrets init && npx olympus deploy");
});

it("an agent whose machine and disk went while the chat was down goes with the same command once it is up", async () => {
  await add();
  const remove = (): Promise<string> => agents("remove", "hermes", "--purge-data", "--confirm", "hermes");
  world.chatIsUp = false;
  await expect(remove()).rejects.toMatchObject({ code: "E-CHAT-UNREACHABLE" });
  expect(world.disks.map(({ machine }) => machine)).toEqual(["athena"]);
  expect(readFileSync(file, "utf8")).toContain("hermes:");
  world.chatIsUp = true;
  expect(await remove()).toContain("hermes has no data disk there");
  expect(world.retired).toEqual(["hermes"]);
  expect(readFileSync(file, "utf8")).not.toContain("hermes:");
});

it("a disk that is there goes for its name alone", async () => {
  await add();
  await expect(agents("remove", "hermes", "--purge-data")).rejects.toMatchObject({ code: "E-CONFIRM" });
  expect(world.disks).toHaveLength(2);
});
