import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { renderDeploys } from "../../roles/agent/deploys.ts";
import { acceptedDoorKeys, doorsOf } from "../../roles/deploy/keys.ts";
import { role } from "../../roles/deploy/role.ts";
import { openSecrets } from "../../secrets/store.ts";
import { publicHalf } from "../../test/support/fake-hosts.ts";
import { dyingStore, type Effect, killedEverywhere } from "../../test/support/killed.ts";
import { changedTeam, labTeam } from "../../test/support/team.ts";
import { silentReporter } from "../base/report.ts";
import { listHosts } from "../team/hosts.ts";
import type { LoadedTeam } from "../team/model.ts";
import { type RotateContext, rotatable, rotationOf, runRotation } from "./index.ts";

// The host that is called and the agent's machine are played: which keys the one takes, and which the other has.

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

let base: LoadedTeam;
let folder = "";
let copies = 0;
const path = "agents.athena.deploy";
const doors = ["shop", "shop-back"];

beforeAll(async () => {
  const { team, secrets, folder: made } = await labTeam();
  folder = made;
  const roles: Readonly<Record<string, LoadedTeam["machines"][number]["roles"]>> = {
    athena: { agent: {}, github: { login: "athena-bot" } },
    agora: { deploy: {} },
  };
  const machines = team.machines.map((one) => ({ ...one, roles: roles[one.name] ?? one.roles }));
  base = changedTeam({ ...team, machines }, ({ policy }) => {
    const rest = { branch: "main", kind: "deploy" as const, approvers: [], minutes: 30 };
    policy.gates.deploy = {
      shop: { repository: "zeus/shop", host: "agora", command: "/srv/go", back: "/srv/back", ...rest },
    };
  });
  renderDeploys(base, "athena", secrets);
  await secrets.save();
});
afterAll(() => rmSync(folder, { recursive: true }));

interface World {
  readonly team: LoadedTeam;
  /** By door: the lines that the host lets in, and the private key that the agent has. */
  taken: Readonly<Record<string, readonly string[]>>;
  agent: Readonly<Record<string, string>>;
}

async function fresh(): Promise<World> {
  const here = mkdtempSync(join(folder, `world-${++copies}-`));
  const team = { ...base, secretsFile: join(here, "secrets.enc.yaml") };
  copyFileSync(base.secretsFile, team.secretsFile);
  const secrets = await openSecrets(team);
  return { team, taken: takenBy(secrets), agent: givenTo(team, secrets) };
}

const takenBy = (secrets: RotateContext["secrets"]) =>
  Object.fromEntries(doors.map((door) => [door, acceptedDoorKeys("athena", door, secrets)]));

function givenTo(team: LoadedTeam, secrets: RotateContext["secrets"]) {
  const { secrets: keys } = renderDeploys(team, "athena", secrets);
  return Object.fromEntries(doorsOf(team).map(({ name }) => [name, keys[`deploy-${name}`]!.reveal()]));
}

const letsIn = ({ taken }: World, door: string, privateKey: string): boolean =>
  taken[door]!.some((line) => line.includes(publicHalf(privateKey)));

/** What a call from the agent's machine ends with: by its own file, or by a key that it is given. */
function answer(world: World, command: string, stdin: string) {
  const file = /\/deploy-(shop(?:-back)?) /.exec(command)?.[1];
  const good =
    file === undefined ? doors.some((door) => letsIn(world, door, stdin)) : letsIn(world, file, world.agent[file]!);
  return good
    ? { code: 64, stdout: "", stderr: "refused: the only argument is a commit" }
    : { code: 255, stdout: "", stderr: "Permission denied (publickey)" };
}

async function contextOf(world: World, effect: Effect = (work) => work()): Promise<RotateContext> {
  const { team } = world;
  const secrets = dyingStore(await openSecrets(team), effect);
  return {
    team,
    secrets,
    reporter: silentReporter(),
    signal: new AbortController().signal,
    chatUrl: "",
    connect: async (target) => ({
      target,
      close: () => undefined,
      exec: (command, options) => effect(async () => answer(world, command, String(options?.stdin))),
    }),
    async apply(role, hosts) {
      // Both roles save what they made.
      await secrets.save();
      await effect(async () => {
        if (role === "deploy" && hosts.includes("agora")) world.taken = takenBy(secrets);
        if (role === "agent" && hosts.includes("athena")) world.agent = givenTo(team, secrets);
      });
    },
  };
}

const rotate = async (world: World, effect?: Effect, name = path) => run(await contextOf(world, effect), name);

const run = (context: RotateContext, name = path) =>
  runRotation(
    rotationOf(name, context, () => Promise.reject(new Error("nobody is asked"))),
    context,
  );

const underWay = async ({ team }: World): Promise<boolean> =>
  (await openSecrets(team)).paths().some((one) => one.startsWith("rotation."));

const deploys = (world: World): boolean[] => doors.map((door) => letsIn(world, door, world.agent[door]!));

test("killed at any moment the agent can deploy and go back, and the same command ends what was begun", async () => {
  let first: World["agent"] = {};
  const kills = await killedEverywhere(
    async () => {
      const world = await fresh();
      first = world.agent;
      return world;
    },
    rotate,
    async (world) => {
      expect(deploys(world)).toEqual([true, true]);
      // By the name that `secrets check` says, too.
      if ((await underWay(world)) || world.agent.shop === first.shop)
        await rotate(world, undefined, `${path}.shop.private`);
      expect([deploys(world), await underWay(world)]).toEqual([[true, true], false]);
      for (const door of doors) {
        expect(letsIn(world, door, first[door]!)).toBe(false);
        expect(world.taken[door]).toHaveLength(1);
      }
    },
  );
  expect(kills).toBeGreaterThan(15);
});

test("a host that cannot be called leaves both keys working; one that goes on taking the old ones is told", async () => {
  const world = await fresh();
  const { agent, taken } = world;
  const context = await contextOf(world);
  const silent = { code: 255, stdout: "", stderr: "ssh: connect to host 10.220.1.20 port 22: Connection timed out" };
  const cut: RotateContext = {
    ...context,
    connect: async (target) => ({ target, close: () => undefined, exec: async () => silent }),
  };
  await expect(run(cut)).rejects.toMatchObject({
    code: "E-ROTATE",
    where: "athena",
    message: expect.stringContaining("agora does not take the new key for shop: ssh: connect to host"),
  });
  for (const door of doors) {
    expect([letsIn(world, door, agent[door]!), letsIn(world, door, world.agent[door]!)]).toEqual([true, true]);
    expect(world.agent[door]).not.toBe(agent[door]);
  }
  // Nor is that taken for a refusal of the old one.
  let calls = 0;
  const cutLater: RotateContext = {
    ...(await contextOf(world)),
    connect: async (target) => ({
      target,
      close: () => undefined,
      exec: async (command, options) =>
        ++calls > doors.length ? silent : answer(world, command, String(options?.stdin)),
    }),
  };
  await expect(run(cutLater)).rejects.toMatchObject({ message: expect.stringContaining("to refuse the old key") });

  const again = await contextOf(world);
  const stubborn: RotateContext = {
    ...again,
    async apply(role, hosts) {
      await again.apply(role, hosts);
      if (role === "deploy")
        world.taken = Object.fromEntries(doors.map((door) => [door, [...world.taken[door]!, ...taken[door]!]]));
    },
  };
  await expect(run(stubborn)).rejects.toMatchObject({ message: expect.stringContaining("to refuse the old key") });
  expect([deploys(world), await underWay(world)]).toEqual([[true, true], true]);
  await rotate(world);
  expect([deploys(world), await underWay(world)]).toEqual([[true, true], false]);
});

test("what was seen to be refused is not tried again: a host that takes no more calls for a while is gone on with later", async () => {
  const world = await fresh();
  const busy = { code: 255, stdout: "", stderr: "Connection reset by 10.220.1.20 port 22" };
  let calls = 0;
  const penalized: RotateContext = {
    ...(await contextOf(world)),
    connect: async (target) => ({
      target,
      close: () => undefined,
      exec: async (command, options) =>
        ++calls > doors.length + 1 ? busy : answer(world, command, String(options?.stdin)),
    }),
  };
  await expect(run(penalized)).rejects.toMatchObject({ message: expect.stringContaining("for shop-back") });
  const waiting = (await openSecrets(world.team)).paths().filter((one) => one.startsWith("rotation."));
  expect(waiting).toEqual([`rotation.${path}.shop-back.private`]);
  await rotate(world);
  expect([deploys(world), await underWay(world)]).toEqual([[true, true], false]);
});

test("only agents that deploy have such keys in use, all of which go by one name", async () => {
  const context = await contextOf(await fresh());
  expect(rotatable(context)).toContain(path);
  for (const name of [path, `${path}.shop`, `${path}.shop-back.public`])
    expect(rotationOf(name, context, () => Promise.resolve("")).name).toBe(path);
  expect(() => rotationOf(`${path}.shpo`, context, () => Promise.resolve(""))).toThrow(
    expect.objectContaining({ code: "E-SECRET-MISSING" }),
  );
  const machines = base.machines.map((one) => ({ ...one, roles: { agent: {} } }));
  const without = { ...context, team: { ...context.team, machines } };
  expect(rotatable(without)).not.toContain(path);
  // Nor does a host let any in that is not rotated.
  const keysAt = async ({ team, secrets }: RotateContext): Promise<number[]> => {
    const hosts = listHosts(team);
    const host = hosts.find(({ name }) => name === "agora")!;
    const { signal, reporter } = context;
    return (await role.inputs({ team, hosts, host, secrets, reporter, signal }, {})).doors.map(
      ({ keys }) => keys.length,
    );
  };
  expect([await keysAt(context), await keysAt(without)]).toEqual([
    [1, 1],
    [0, 0],
  ]);
  expect(() => rotationOf(path, without, () => Promise.resolve(""))).toThrow(
    expect.objectContaining({ code: "E-SECRET-ROTATE", exit: 1 }),
  );
});
