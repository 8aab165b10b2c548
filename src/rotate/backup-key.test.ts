import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { acceptedKeys, transportKey } from "../../roles/backup/keys.ts";
import { chatTls } from "../../roles/mattermost/tls.ts";
import { openSecrets } from "../../secrets/store.ts";
import { publicHalf } from "../../test/support/fake-hosts.ts";
import { dyingStore, type Effect, killedEverywhere } from "../../test/support/killed.ts";
import { labTeam } from "../../test/support/team.ts";
import { silentReporter } from "../base/report.ts";
import type { SshConnection } from "../ssh/connection.ts";
import { listHosts } from "../team/hosts.ts";
import type { LoadedTeam } from "../team/model.ts";
import { type RotateContext, rotatable, rotationOf, runRotation } from "./index.ts";

// What has to be brought to two places, or made by a role: hosts, GitHub and the chat are played as far as a rotation asks them.

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

let base: LoadedTeam;
let folder = "";
let copies = 0;
const backup = "backup.athena.ssh";

beforeAll(async () => {
  const { team, secrets, folder: made } = await labTeam();
  folder = made;
  const roles: Readonly<Record<string, LoadedTeam["machines"][number]["roles"]>> = {
    athena: { backup: { to: "agora" }, github: { login: "athena-bot" } },
    agora: { backup: {}, mattermost: { tls: "team-ca" } },
  };
  base = { ...team, machines: team.machines.map((one) => ({ ...one, roles: roles[one.name] ?? one.roles })) };
  transportKey("athena", secrets);
  secrets.set("agents.athena.github", "first-token");
  await certificate(base, secrets);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** As the role of the chat makes it when there is none. */
function certificate(team: LoadedTeam, secrets: RotateContext["secrets"]) {
  const host = { ...listHosts(team).find(({ name }) => name === "agora")!, address: "127.0.0.1" };
  return chatTls("team-ca", undefined, { team, host, secrets, reporter: silentReporter() });
}

interface World {
  readonly team: LoadedTeam;
  /** Lines that the place where backups are kept lets in. */
  store: readonly string[];
  /** The private key that the sending host has. */
  sender: string;
  /** The agent's login, and the tokens that GitHub knows. */
  token: string;
  readonly known: Set<string>;
}

async function fresh(): Promise<World> {
  const here = mkdtempSync(join(folder, `world-${++copies}-`));
  const team = { ...base, secretsFile: join(here, "secrets.enc.yaml") };
  copyFileSync(base.secretsFile, team.secretsFile);
  const secrets = await openSecrets(team);
  const key = transportKey("athena", secrets);
  return {
    team,
    store: [key.public],
    sender: key.private.reveal(),
    token: "first-token",
    known: new Set(["first-token", "second-token"]),
  };
}

const letsIn = ({ store }: World, privateKey: string): boolean =>
  store.some((line) => line.includes(publicHalf(privateKey)));

/** What a command on the sending host answers. */
function answer(world: World, command: string, stdin: string): { code: number; stdout: string; stderr: string } {
  const good = command.includes("gh api user")
    ? world.known.has(world.token)
    : letsIn(world, command.includes("/dev/shm") ? stdin : world.sender);
  return good
    ? { code: 0, stdout: "", stderr: "" }
    : { code: 255, stdout: "", stderr: "Permission denied (publickey)" };
}

async function contextOf(world: World, effect: Effect = (work) => work(), chatUrl = ""): Promise<RotateContext> {
  const secrets = dyingStore(await openSecrets(world.team), effect);
  return {
    team: world.team,
    secrets,
    reporter: silentReporter(),
    signal: new AbortController().signal,
    chatUrl,
    connect: async (target): Promise<SshConnection> => ({
      target,
      close: () => undefined,
      exec: (command, options) => effect(async () => answer(world, command, String(options?.stdin))),
    }),
    async apply(role, hosts) {
      // The role saves what it made.
      await secrets.save();
      await effect(async () => {
        if (role === "github") world.token = secrets.require("agents.athena.github").reveal();
        else if (hosts.includes("agora")) world.store = acceptedKeys("athena", secrets);
        else world.sender = transportKey("athena", secrets).private.reveal();
      });
    },
  };
}

async function rotate(world: World, name: string, effect?: Effect): Promise<void> {
  const context = await contextOf(world, effect);
  await runRotation(
    rotationOf(name, context, () => Promise.resolve("second-token")),
    context,
  );
}

const underWay = async ({ team }: World): Promise<boolean> =>
  (await openSecrets(team)).paths().some((path) => path.startsWith("rotation."));

test("a key for backups: killed at any moment the host can send its backups, and the same command ends what was begun", async () => {
  let first = "";
  const kills = await killedEverywhere(
    async () => {
      const world = await fresh();
      first = world.sender;
      return world;
    },
    (world, effect) => rotate(world, backup, effect),
    async (world) => {
      expect(letsIn(world, world.sender)).toBe(true);
      if ((await underWay(world)) || world.sender === first) await rotate(world, `${backup}.private`);
      const secrets = await openSecrets(world.team);
      expect(world.sender).toBe(secrets.require(`${backup}.private`).reveal());
      expect([letsIn(world, world.sender), letsIn(world, first), await underWay(world)]).toEqual([true, false, false]);
    },
  );
  expect(kills).toBeGreaterThan(10);
});

test("a place that goes on taking the old key is told, and the rotation is not over", async () => {
  const world = await fresh();
  const context = await contextOf(world);
  const first = world.store[0]!;
  const stubborn: RotateContext = {
    ...context,
    async apply(role, hosts) {
      await context.apply(role, hosts);
      world.store = [...new Set([...world.store, first])];
    },
  };
  const rotation = rotationOf(backup, stubborn, () => Promise.resolve(""));
  await expect(runRotation(rotation, stubborn)).rejects.toMatchObject({ code: "E-ROTATE" });
  expect(await underWay(world)).toBe(true);
  await rotate(world, backup);
  expect(await underWay(world)).toBe(false);
});

test("a host that sends its backups nowhere has no such key in use", async () => {
  const context = await contextOf(await fresh());
  context.secrets.set("backup.agora.ssh.private", "x");
  expect(() => rotationOf("backup.agora.ssh", context, () => Promise.resolve(""))).toThrow(
    expect.objectContaining({ code: "E-SECRET-ROTATE", exit: 1 }),
  );
});

test("a token for GitHub is given, brought to its agent and tried at GitHub; one that GitHub does not know is told", async () => {
  const world = await fresh();
  await rotate(world, "agents.athena.github");
  expect([world.token, await underWay(world)]).toEqual(["second-token", false]);

  const wrong = await fresh();
  wrong.known.delete("second-token");
  await expect(rotate(wrong, "agents.athena.github")).rejects.toMatchObject({
    code: "E-ROTATE",
    where: "athena",
    hint: expect.stringContaining("npx olympus secrets set agents.athena.github"),
  });
  expect(await underWay(wrong)).toBe(true);
});

test("the chat's certificate by the team's authority: the chat is asked until it shows the new one", async () => {
  const world = await fresh();
  const secrets = await openSecrets(world.team);
  const pem = (store: RotateContext["secrets"]) => ({
    cert: store.require("tls.chat.certificate").reveal(),
    key: store.require("tls.chat.key").reveal(),
  });
  const server: Server = createServer(pem(secrets)).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address() as AddressInfo;
  try {
    const context = await contextOf(world, undefined, `https://127.0.0.1:${port}`);
    let restarted = false;
    const chat: RotateContext = {
      ...context,
      async apply() {
        await certificate(world.team, context.secrets);
        if (restarted) server.setSecureContext(pem(context.secrets));
        restarted = true;
      },
    };
    const run = () =>
      runRotation(
        rotationOf("tls.chat.key", chat, () => Promise.resolve("")),
        chat,
      );
    await expect(run()).rejects.toMatchObject({ code: "E-ROTATE", message: expect.stringContaining("another") });
    await run();
    const after = await openSecrets(world.team);
    expect([pem(after).key === pem(secrets).key, await underWay(world)]).toEqual([false, false]);
  } finally {
    server.close();
  }
});

test("what can be rotated without being given a value has these too", async () => {
  expect(rotatable(await contextOf(await fresh()))).toEqual(expect.arrayContaining([backup, "tls.chat"]));
});
