/** An agent's signing key: git and ssh are the real ones, the role's files stand in folders. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { role } from "../../roles/github/role.ts";
import { allowedSigners } from "../../roles/github/signers.ts";
import { generateSshKeyPair } from "../../secrets/ssh-keys.ts";
import { openSecrets } from "../../secrets/store.ts";
import { silentReporter } from "../../src/base/report.ts";
import { type RotateContext, rotatable, rotationOf, runRotation } from "../../src/rotate/index.ts";
import { listHosts } from "../../src/team/hosts.ts";
import type { LoadedTeam, Machine } from "../../src/team/model.ts";
import { type FakeHosts, fakeHosts, publicHalf } from "../support/fake-hosts.ts";
import { dyingStore, type Effect, killedEverywhere } from "../support/killed.ts";
import { labTeam } from "../support/team.ts";

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

const names = ["athena", "apollo"] as const;
const path = "agents.athena.signing";
let base: LoadedTeam;
let folder = "";

beforeAll(async () => {
  const { team, secrets, folder: made } = await labTeam();
  folder = made;
  const athena = team.machines.find(({ name }) => name === "athena")!;
  const machine = (name: string): Machine => ({
    ...athena,
    name,
    roles: { ...athena.roles, github: { login: `${name}-bot` } },
    agent: { ...athena.agent!, email: `${name}@olympus.example` },
  });
  base = { ...team, machines: [...names.map(machine), ...team.machines.filter((one) => one !== athena)] };
  for (const name of names) {
    const [pair, host] = [generateSshKeyPair(`${name}@lab`), generateSshKeyPair(name)];
    secrets.set(`agents.${name}.signing.private`, pair.private);
    secrets.set(`agents.${name}.signing.public`, pair.public);
    secrets.set(`agents.${name}.github`, `token-of-${name}`);
    secrets.set(`hosts.${name}.public`, host.public);
  }
  await secrets.save();
  for (const who of ["AUTHOR", "COMMITTER"]) {
    vi.stubEnv(`GIT_${who}_NAME`, "athena");
    vi.stubEnv(`GIT_${who}_EMAIL`, "athena@olympus.example");
  }
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

interface World {
  readonly team: LoadedTeam;
  readonly hosts: FakeHosts;
  readonly folder: string;
}

const signersOn = (world: World, name: string): string => readFileSync(join(world.folder, name, "allowed"), "utf8");
const keyOn = (world: World, name: string): string => readFileSync(join(world.folder, name, "signing"), "utf8");

async function fresh(): Promise<World> {
  const here = mkdtempSync(join(folder, "world-"));
  const team = { ...base, secretsFile: join(here, "secrets.enc.yaml") };
  copyFileSync(base.secretsFile, team.secretsFile);
  const world = { team, hosts: fakeHosts(here), folder: here };
  const { apply, secrets } = await contextOf(world);
  for (const name of names) {
    mkdirSync(join(here, name), { recursive: true });
    world.hosts.setKeys(name, secrets.require("ssh.deploy.public").reveal());
  }
  await apply("github", names);
  return world;
}

/** A new process on a world. */
async function contextOf(world: World, effect: Effect = (work) => work()): Promise<RotateContext> {
  const { team } = world;
  const secrets = dyingStore(await openSecrets(team), effect);
  const { signal } = new AbortController();
  const hosts = listHosts(team);
  return {
    team,
    secrets,
    reporter: silentReporter(),
    signal,
    chatUrl: "",
    connect: async (target) => {
      const connection = await world.hosts.connect(effect)(target);
      const there = (command: string): string =>
        command
          .replaceAll("/etc/olympus/allowed-signers", join(world.folder, target.name, "allowed"))
          .replaceAll("/home/agent/.config/olympus/signing", join(world.folder, target.name, "signing"))
          .replaceAll(/runuser -l \S+ -c/g, "sh -c");
      return { ...connection, exec: (command, options) => connection.exec(there(command), options) };
    },
    async apply(_role, on) {
      for (const name of on) {
        const host = hosts.find((one) => one.name === name)!;
        const reporter = silentReporter();
        const context = { team, hosts, host, secrets, reporter, signal };
        const made = await role.inputs(context, role.params.parse(host.roles.github));
        const file = (what: string, text: string) =>
          effect(async () => writeFileSync(join(world.folder, name, what), text, { mode: 0o600 }));
        await file("allowed", allowedSigners(made.signers));
        await file("signing", made.privateKey.reveal());
      }
    },
  };
}

const noValue = () => Promise.reject(new Error("nobody is asked"));

async function rotate(world: World, effect?: Effect): Promise<string | undefined> {
  const context = await contextOf(world, effect);
  const rotation = rotationOf(path, context, noValue);
  await runRotation(rotation, context);
  return rotation.left?.();
}

const saved = async ({ team }: World, name: string): Promise<string | undefined> =>
  (await openSecrets(team)).get(name)?.reveal();
const underWay = async ({ team }: World): Promise<string[]> =>
  (await openSecrets(team)).paths().filter((one) => one.startsWith("rotation."));
const keyWord = (line: string): string => line.split(" ")[1]!;
/** A line that counts at any time. */
const counts = (key: string): string => `athena@olympus.example namespaces="git" ssh-ed25519 ${key}\n`;

test("killed at any moment, what the agent signs is known everywhere, and the same command ends what was begun", async () => {
  const old = keyWord((await saved(await fresh(), `${path}.public`))!);
  const kills = await killedEverywhere(
    fresh,
    async (world, effect) => void (await rotate(world, effect)),
    async (world) => {
      const signing = publicHalf(keyOn(world, "athena"));
      for (const name of names) {
        expect(signersOn(world, name)).toContain(counts(signing));
        expect(signersOn(world, name)).toContain(old);
      }
      const begun = (await underWay(world)).length > 0 || keyWord((await saved(world, `${path}.public`))!) === old;
      if (begun) await rotate(world);
      const now = keyWord((await saved(world, `${path}.public`))!);
      expect([await underWay(world), now === old, publicHalf(keyOn(world, "athena"))]).toEqual([[], false, now]);
      expect((await saved(world, `${path}.former`))!.replace(/^\d{14}Z/, "END")).toContain(`END ssh-ed25519 ${old} `);
      for (const name of names) {
        expect(signersOn(world, name)).toContain(counts(now));
        expect(signersOn(world, name).replaceAll(/\d{14}Z/g, "END")).toContain(
          `athena@olympus.example namespaces="git",valid-before="END" ssh-ed25519 ${old}\n`,
        );
      }
    },
  );
  expect(kills).toBeGreaterThan(20);
});

test("taken up again after days, it ends: what was signed before is tried as of its own time", async () => {
  const world = await fresh();
  const context = await contextOf(world);
  const cut: RotateContext = {
    ...context,
    apply: (role, on) =>
      context.secrets.get(`${path}.former`) === undefined
        ? context.apply(role, on)
        : Promise.reject(new Error("apollo does not answer")),
  };
  await expect(runRotation(rotationOf(path, cut, noValue), cut)).rejects.toThrow("apollo does not answer");
  const secrets = await openSecrets(world.team);
  secrets.set(
    `${path}.former`,
    secrets
      .require(`${path}.former`)
      .reveal()
      .replace(/^\d{14}/, "20260102030405"),
  );
  await secrets.save();
  await rotate(world);
  expect(await underWay(world)).toEqual([]);
  expect(signersOn(world, "apollo")).toContain('valid-before="20260102030405Z"');
});

test("each rotation leaves one more half for what was signed before; who keeps the account is told, where there is one", async () => {
  const world = await fresh();
  expect(await rotate(world)).toContain(`signing key of athena-bot, and leave the old one`);
  await rotate(world);
  expect((await saved(world, `${path}.former`))!.split("\n")).toHaveLength(2);
  expect(signersOn(world, "apollo").match(/^athena.*valid-before/gm)).toHaveLength(2);
  const context = await contextOf(world);
  expect(rotatable(context)).toContain(path);
  const [first, ...others] = base.machines;
  const forge = { ...first!, service: { ...first!.service, services: ["forge"] } } as unknown as Machine;
  const own = { ...context, team: { ...world.team, machines: [forge, ...others] } };
  expect(rotationOf(`${path}.public`, own, noValue).left?.()).toBeUndefined();
});

test("a machine that does not know the new key: commits by both go on as they did, and run again it ends", async () => {
  const world = await fresh();
  const old = keyWord((await saved(world, `${path}.public`))!);
  const context = await contextOf(world);
  const stubborn = { ...context, apply: () => Promise.resolve() };
  await expect(runRotation(rotationOf(path, stubborn, noValue), stubborn)).rejects.toMatchObject({
    code: "E-ROTATE",
    where: "athena",
    message: expect.stringContaining("a commit by the new key does not verify"),
  });
  for (const name of names) expect(signersOn(world, name)).toContain(counts(old));
  expect(keyWord((await saved(world, `rotation.${path}.public`))!)).toBe(old);
  await rotate(world);
  expect(await underWay(world)).toEqual([]);
});

test("an old key that goes on verifying is told, and a git that does not ask for times is not tried for that", async () => {
  const world = await fresh();
  const context = await contextOf(world);
  const deaf: RotateContext = {
    ...context,
    apply: async (name, on) => {
      await context.apply(name, on);
      for (const one of names) {
        writeFileSync(
          join(world.folder, one, "allowed"),
          signersOn(world, one).replaceAll(/,valid-before="\d+Z"/g, ""),
        );
      }
    },
  };
  await expect(runRotation(rotationOf(path, deaf, noValue), deaf)).rejects.toMatchObject({
    message: "a commit by the old key still verifies",
  });
  expect(await underWay(world)).toEqual([`rotation.${path}.private`]);
  const machines = world.team.machines.map((one) => ({ ...one, image: "ubuntu-22.04" }));
  await rotate({ ...world, team: { ...world.team, machines } });
  expect(signersOn(world, "athena")).not.toContain("valid-before");
  expect(await underWay(world)).toEqual([]);
});
