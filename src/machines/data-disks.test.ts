import { rmSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { labTeam } from "../../test/support/team.ts";
import type { FoundDomain } from "../libvirt/inventory.ts";
import type { SshConnection } from "../ssh/connection.ts";
import type { LoadedTeam } from "../team/model.ts";
import { checkDataDisks } from "./data-disks.ts";
import { dataVolume } from "./names.ts";
import type { StateResource } from "./state.ts";

let lab: Awaited<ReturnType<typeof labTeam>>;
beforeAll(async () => {
  lab = await labTeam();
});
afterAll(() => rmSync(lab.folder, { recursive: true }));

const athena = "lab.athena.data.qcow2";
const volume = (name: string): StateResource => ({ type: "libvirt:index/volume:Volume", id: `/pool/${name}`, name });
const made: StateResource[] = [
  { type: "libvirt:index/domain:Domain", id: "uuid", name: "lab.athena" },
  volume("lab.athena.root.0a1b2c3d.qcow2"),
  volume(athena),
];
const missing = "error: Storage volume not found: no storage vol with matching name";

interface World {
  /** What the pool has, in MiB; `afterRefresh` what it has when it was looked at again. */
  readonly pool?: Readonly<Record<string, number>>;
  readonly afterRefresh?: Readonly<Record<string, number>>;
  readonly says?: string;
  readonly states?: Readonly<Record<string, readonly StateResource[]>>;
  /** Volumes in the pool of each other hypervisor; one that is not here does not answer. */
  readonly others?: Readonly<Record<string, readonly string[]>>;
  readonly domains?: readonly FoundDomain[];
  readonly team?: (team: LoadedTeam) => LoadedTeam;
}

/** Looks at r420, which carries athena and whoever else the lab's team has there. */
function look(world: World) {
  const { states = {}, others = { r720xd: [] }, says = missing } = world;
  const asked: string[] = [];
  const warnings: string[] = [];
  let pool = world.pool ?? {};
  const team = world.team?.(lab.team) ?? lab.team;
  const exec = async (command: string) => {
    if (command.includes("pool-refresh")) pool = world.afterRefresh ?? pool;
    const name = /vol-info (\S+)/.exec(command)?.[1];
    const size = pool[name ?? ""];
    if (name === undefined || size !== undefined) {
      return { code: 0, stdout: `Name: ${name}\nCapacity:       ${(size ?? 0) * 1024 * 1024}\n`, stderr: "" };
    }
    return { code: 1, stdout: "", stderr: says };
  };
  const growing = checkDataDisks({
    team,
    hypervisor: team.hypervisors.find(({ name }) => name === "r420")!,
    connection: { target: { name: "r420" }, exec } as unknown as SshConnection,
    inventory: { pool: true, bridge: true, domains: world.domains ?? [], volumes: [] },
    stateOf: async (stack) => states[stack] ?? [],
    volumesOn: async ({ name }, volumes) => {
      asked.push(name);
      const there = others[name];
      if (there === undefined) throw new Error("no answer");
      return volumes.filter((one) => there.includes(one));
    },
    warn: (what) => warnings.push(what),
  });
  return { growing, asked, warnings };
}

const onlyAthena = (team: LoadedTeam): LoadedTeam => ({
  ...team,
  machines: team.machines.filter(({ name }) => name === "athena"),
});
const size = (): number => lab.team.machines.find(({ name }) => name === "athena")!.data;
const base = { team: onlyAthena };

it("is content with machines that are as they were, and asks no other hypervisor", async () => {
  const { growing, asked } = look({ ...base, pool: { [athena]: size() }, states: { r420: made } });
  expect(await growing).toEqual([]);
  expect(asked).toEqual([]);
});

it("is content with a team that was never made", async () => {
  const { growing, asked, warnings } = look({});
  expect(await growing).toEqual([]);
  expect(asked).toEqual(["r720xd"]);
  expect(warnings).toEqual([]);
});

it.each<[string, World]>([
  ["the state holds it", { states: { r420: made } }],
  ["the state holds it and no domain", { states: { r420: [volume(athena)] } }],
  [
    "a refresh has made the state forget it, its machine is there",
    { domains: [{ name: "lab.athena", uuid: "1", state: "running", description: "" }] },
  ],
  [
    "its file was removed",
    { states: { r420: made }, says: `error: cannot stat file '/pool/${athena}': No such file or directory` },
  ],
])("a data disk that is gone is never made anew: %s", async (_what, world) => {
  await expect(look({ ...base, ...world }).growing).rejects.toMatchObject({
    code: "E-DATA-GONE",
    exit: 2,
    message: expect.stringContaining("athena"),
    hint: expect.stringContaining("NEW, empty data disk: npx olympus destroy athena"),
  });
});

it("a pool that was mounted a moment ago is looked at again", async () => {
  const world = { ...base, afterRefresh: { [athena]: size() }, states: { r420: made } };
  expect(await look(world).growing).toEqual([]);
});

it("what libvirt does not say is not taken for a disk that is gone", async () => {
  const world = { ...base, states: { r420: made }, says: "error: failed to connect to the hypervisor" };
  await expect(look(world).growing).rejects.toMatchObject({ code: "E-LIBVIRT" });
});

it("gives disks that are to grow, and refuses to make one smaller", async () => {
  const of = (mebibytes: number) => look({ ...base, pool: { [athena]: mebibytes }, states: { r420: made } }).growing;
  expect(await of(size() - 1024)).toMatchObject([{ machine: { name: "athena" }, from: size() - 1024 }]);
  await expect(of(size() + 1024)).rejects.toMatchObject({ code: "E-DATA-SHRINK", exit: 1 });
});

const moved = (team: LoadedTeam): LoadedTeam => ({
  ...team,
  machines: onlyAthena(team).machines.map((machine) => ({ ...machine, hypervisor: "r720xd" })),
});

it.each<[string, World]>([
  ["to where it is looked at: its old stack holds it", { states: { r720xd: made } }],
  ["to where a copy of its data is, while it still stands", { pool: { [athena]: 4096 }, states: { r720xd: made } }],
  ["after it was destroyed, its data stayed", { others: { r720xd: [athena] } }],
  ["from a hypervisor that does not answer", { states: { r720xd: made }, others: {} }],
])("a machine that moves away from its data is refused: %s", async (_what, world) => {
  await expect(look({ ...base, ...world }).growing).rejects.toMatchObject({
    code: "E-MOVED",
    exit: 1,
    message: expect.stringContaining("its data is on r720xd"),
    hint: expect.stringMatching(/on: r720xd.*--purge-data athena; then on: r420/s),
  });
});

it("a machine that moves away is not removed where it stands", async () => {
  await expect(look({ team: moved, states: { r420: made } }).growing).rejects.toMatchObject({
    code: "E-MOVED",
    message: expect.stringContaining("athena is to be on r720xd, but its data is on r420"),
  });
});

it("a machine whose data was brought along may move", async () => {
  const world = { ...base, pool: { [athena]: size() }, others: { r720xd: [athena] } };
  expect(await look(world).growing).toEqual([]);
});

it("a new machine is made although another hypervisor is down, and that is said", async () => {
  const { growing, warnings } = look({ ...base, others: {} });
  expect(await growing).toEqual([]);
  expect(warnings).toEqual([expect.stringContaining("r720xd cannot be asked")]);
});

it("a machine that left the team file is no matter of ours", async () => {
  const none = (team: LoadedTeam): LoadedTeam => ({ ...team, machines: [] });
  expect(await look({ team: none, states: { r420: made } }).growing).toEqual([]);
  expect(dataVolume("lab", "athena")).toBe(athena);
});
