/** The team's authority: servers that show real certificates, machines whose trust stands in folders and is asked with openssl. */
import { X509Certificate } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createServer, type Server } from "node:tls";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { dashboardTls } from "../../roles/agent/tls.ts";
import { chatTls, trustedAuthorities } from "../../roles/mattermost/tls.ts";
import { teamAuthorities } from "../../secrets/authority.ts";
import { openSecrets } from "../../secrets/store.ts";
import { silentReporter } from "../../src/base/report.ts";
import { type RotateContext, rotatable, rotationOf, runRotation } from "../../src/rotate/index.ts";
import { listHosts } from "../../src/team/hosts.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { type FakeHosts, fakeHosts } from "../support/fake-hosts.ts";
import { dyingStore, type Effect, killedEverywhere } from "../support/killed.ts";
import { labTeam } from "../support/team.ts";

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

const names = ["athena", "agora"] as const;
const address = "127.77.33.50";
const path = "tls.authority";
let base: LoadedTeam;
let folder = "";
let chat: Server;
let dashboard: Server;

beforeAll(async () => {
  const { team, folder: made } = await labTeam();
  folder = made;
  base = {
    ...team,
    machines: team.machines.map((machine) => ({
      ...machine,
      address,
      roles: {
        ...machine.roles,
        ...(machine.name === "athena" ? { agent: { tls: "team-ca" } } : { mattermost: { tls: "team-ca" } }),
      },
    })),
  };
  [chat, dashboard] = [createServer(), createServer()];
  const listening = (server: Server, port: number) => new Promise<void>((done) => server.listen(port, address, done));
  await Promise.all([listening(chat, 0), listening(dashboard, 18789)]);
  await fresh();
});
afterAll(() => {
  chat?.close();
  dashboard?.close();
  rmSync(folder, { recursive: true });
});

interface World {
  readonly team: LoadedTeam;
  readonly hosts: FakeHosts;
  readonly folder: string;
  /** Certificates that the chat and the dashboard show, by role. */
  readonly shown: Record<string, string>;
}

async function fresh(): Promise<World> {
  const here = mkdtempSync(join(folder, "world-"));
  const team = { ...base, secretsFile: join(here, "secrets.enc.yaml") };
  copyFileSync(base.secretsFile, team.secretsFile);
  const world = { team, hosts: fakeHosts(here), folder: here, shown: {} };
  const { apply, secrets } = await contextOf(world);
  for (const name of names) {
    mkdirSync(join(here, name), { recursive: true });
    world.hosts.setKeys(name, secrets.require("ssh.deploy.public").reveal());
  }
  await apply("base", names);
  await apply("mattermost", ["agora"]);
  await apply("agent", ["athena"]);
  // All worlds begin with the same authority.
  copyFileSync(team.secretsFile, base.secretsFile);
  return world;
}

const trustFile = (world: World, name: string, of: string): string => join(world.folder, name, of);

/** A new process on a world. */
async function contextOf(world: World, effect: Effect = (work) => work()): Promise<RotateContext> {
  const { team } = world;
  const secrets = dyingStore(await openSecrets(team), effect);
  const show = (server: Server, role: string, certificate: string, key: string): Promise<void> =>
    effect(async () => {
      server.setSecureContext({ cert: certificate, key });
      world.shown[role] = certificate;
    });
  return {
    team,
    secrets,
    reporter: silentReporter(),
    signal: new AbortController().signal,
    chatUrl: `https://${address}:${(chat.address() as AddressInfo).port}`,
    connect: async (target) => {
      const connection = await world.hosts.connect(effect)(target);
      const there = (command: string): string =>
        command
          .replaceAll("/etc/ssl/certs/ca-certificates.crt", trustFile(world, target.name, "base"))
          .replaceAll("/etc/olympus/authority.crt", trustFile(world, target.name, "agent"));
      return { ...connection, exec: (command, options) => connection.exec(there(command), options) };
    },
    async apply(role, on) {
      for (const name of on) {
        const host = listHosts(team).find((one) => one.name === name)!;
        const given = { team, host, secrets, reporter: silentReporter() };
        if (role !== "mattermost") {
          const trusted = trustedAuthorities(team, secrets).join("\n");
          await effect(async () => writeFileSync(trustFile(world, name, role), trusted));
        }
        const [server, made] =
          role === "mattermost"
            ? [chat, await chatTls("team-ca", undefined, given)]
            : [dashboard, role === "agent" ? await dashboardTls("team-ca", false, given) : undefined];
        if (made !== undefined) await show(server, role, made.certificate, made.key.reveal());
      }
    },
  };
}

const noValue = () => Promise.reject(new Error("nobody is asked"));

async function rotate(world: World, effect?: Effect): Promise<void> {
  const context = await contextOf(world, effect);
  await runRotation(rotationOf(path, context, noValue), context);
}

const saved = async ({ team }: World, name: string): Promise<string> =>
  (await openSecrets(team)).require(name).reveal();
const underWay = async ({ team }: World): Promise<string[]> =>
  (await openSecrets(team)).paths().filter((one) => one.startsWith("rotation."));

/** Authorities that everybody trusts now: the machines, the agent, and commands that open the secrets. */
async function trusts(world: World): Promise<string[][]> {
  const files = [
    trustFile(world, "athena", "base"),
    trustFile(world, "agora", "base"),
    trustFile(world, "athena", "agent"),
  ];
  const pems = files.map((file) => readFileSync(file, "utf8").match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n/g)!);
  return [...pems, teamAuthorities(await openSecrets(world.team))];
}

/** Who trusts these takes the certificate. */
const takes = (authorities: readonly string[], shown: string): boolean =>
  authorities
    .map((one) => new X509Certificate(one))
    .some((one) => new X509Certificate(shown).checkIssued(one) && new X509Certificate(shown).verify(one.publicKey));

test("killed at any moment, everybody takes what the chat and the dashboard show, and the same command ends what was begun", async () => {
  const old = await saved(await fresh(), `${path}.certificate`);
  const kills = await killedEverywhere(fresh, rotate, async (world) => {
    for (const trusted of await trusts(world)) {
      expect(takes(trusted, world.shown.mattermost!)).toBe(true);
      expect(takes(trusted, world.shown.agent!)).toBe(true);
    }
    const begun = (await underWay(world)).length > 0 || (await saved(world, `${path}.certificate`)) === old;
    if (begun) await rotate(world);
    const now = await saved(world, `${path}.certificate`);
    expect([await underWay(world), now === old]).toEqual([[], false]);
    expect(await trusts(world)).toEqual([[now], [now], [now], [now]]);
    for (const shown of Object.values(world.shown))
      expect([takes([now], shown), takes([old], shown)]).toEqual([true, false]);
  });
  expect(kills).toBeGreaterThan(30);
});

test("by name and half, in the list; people are told what is left in browsers; the older one comes first meanwhile", async () => {
  const world = await fresh();
  const context = await contextOf(world);
  expect(rotatable(context)).toContain(path);
  const rotation = rotationOf(`${path}.key`, context, noValue);
  expect(rotation.users).toEqual(["athena", "agora", "the chat", "athena's dashboard", "this computer's commands"]);
  const old = await saved(world, `${path}.certificate`);
  await rotation.begin();
  const both = [old, await saved(world, "rotation.tls.authority.next.certificate")];
  expect(trustedAuthorities(world.team, context.secrets)).toEqual(both);
  await rotation.deliver(() => undefined);
  expect(trustedAuthorities(world.team, context.secrets)).toEqual(both);
  expect(new Set(both.map((one) => new X509Certificate(one).subject)).size).toBe(2);
  expect(rotation.left?.()).toContain("npx olympus secrets get tls.authority.certificate");
});

test("a chat that goes on with its certificate: everybody goes on trusting it, and run again it ends", async () => {
  const world = await fresh();
  const context = await contextOf(world);
  const stubborn: RotateContext = {
    ...context,
    apply: (role, on) => (role === "mattermost" ? Promise.resolve() : context.apply(role, on)),
  };
  await expect(runRotation(rotationOf(path, stubborn, noValue), stubborn)).rejects.toMatchObject({
    code: "E-ROTATE",
    where: context.chatUrl,
  });
  for (const trusted of await trusts(world)) expect(takes(trusted, world.shown.mattermost!)).toBe(true);
  await rotate(world);
  expect(await underWay(world)).toEqual([]);
});

test("a machine that goes on trusting the old one is named, and so is one that cannot be asked", async () => {
  const world = await fresh();
  const context = await contextOf(world);
  const bundle = trustFile(world, "agora", "base");
  const stubborn: RotateContext = {
    ...context,
    async apply(role, on) {
      await context.apply(role, on);
      if (role === "base") writeFileSync(bundle, both);
    },
  };
  const rotation = rotationOf(path, stubborn, noValue);
  await rotation.begin();
  const both = teamAuthorities(context.secrets).join("\n");
  await expect(runRotation(rotation, stubborn)).rejects.toMatchObject({
    code: "E-ROTATE",
    where: "agora",
    message: `a certificate by the old authority was to be refused: accepted by ${bundle}`,
  });
  expect(await underWay(world)).toEqual([
    "rotation.tls.authority.ended.certificate",
    "rotation.tls.authority.ended.key",
  ]);
  const broken: RotateContext = {
    ...context,
    async apply(role, on) {
      await context.apply(role, on);
      if (role === "base") rmSync(bundle);
    },
  };
  await expect(runRotation(rotationOf(path, broken, noValue), broken)).rejects.toMatchObject({
    where: "agora",
    message: expect.stringContaining("was to be accepted: not tried by"),
  });
  await rotate(world);
  expect(await underWay(world)).toEqual([]);
});

test("where only dashboards have a certificate, no machine is told anything", async () => {
  const world = await fresh();
  const machines = base.machines.map((one) =>
    one.name === "agora" ? { ...one, roles: { ...one.roles, mattermost: {} } } : one,
  );
  const told: string[] = [];
  const { apply, ...context } = await contextOf({ ...world, team: { ...world.team, machines } });
  const watched: RotateContext = {
    ...context,
    apply: (role, on) => {
      told.push(`${role} ${on.join(" ")}`);
      return apply(role, on);
    },
  };
  await runRotation(rotationOf(path, watched, noValue), watched);
  expect(told).toEqual(["agent athena"]);
});
