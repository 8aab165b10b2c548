import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { renderAgent } from "../../roles/agent/config.ts";
import { openSecrets } from "../../secrets/store.ts";
import { type FakeChat, fakeChat } from "../../test/support/fake-chat.ts";
import { type FakeHosts, fakeHosts, someonesKey } from "../../test/support/fake-hosts.ts";
import { dyingStore, type Effect, killedEverywhere } from "../../test/support/killed.ts";
import { labTeam } from "../../test/support/team.ts";
import { type Grant, grantOf, readGrants } from "../base/grants.ts";
import { silentReporter } from "../base/report.ts";
import type { LoadedTeam } from "../team/model.ts";
import { type RotateContext, rotatable, rotationOf, runRotation, runRotations } from "./index.ts";

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

let base: LoadedTeam;
let folder = "";
let copies = 0;

beforeAll(async () => {
  const { team, secrets, folder: made } = await labTeam();
  folder = made;
  base = { ...team, hypervisors: team.hypervisors.map((one) => ({ ...one, hostKey: "ssh-ed25519 PINNED" })) };
  secrets.set("mattermost.bots.athena.id", "id-of-athena");
  secrets.set("mattermost.bots.athena.token", "first-token");
  secrets.set("mattermost.bots.athena.tokenId", "id-of-first-token");
  secrets.set("models.anthropic", "first-model-key");
  await secrets.save();
});
afterAll(() => {
  vi.unstubAllGlobals();
  rmSync(folder, { recursive: true });
});

/** A team whose machines, chat and database are played, as they stand after the first deployment. */
interface World {
  readonly team: LoadedTeam;
  readonly hosts: FakeHosts;
  readonly chat: FakeChat;
  /** What athena's role brought to its machine last. */
  agent: { readonly dashboard: readonly Grant[]; readonly bot: string; readonly model: string };
  database: { password: string; mattermost: string };
  readonly mine: string;
}

function letsIn({ agent }: World, token: string): boolean {
  return grantOf(agent.dashboard, token, Date.now()) !== undefined;
}

async function fresh(of = base): Promise<World> {
  copies += 1;
  const here = mkdtempSync(join(folder, `world-${copies}-`));
  const team = { ...of, secretsFile: join(here, "secrets.enc.yaml") };
  copyFileSync(base.secretsFile, team.secretsFile);
  const secrets = await openSecrets(team);
  const hosts = fakeHosts(here);
  const mine = someonesKey();
  for (const name of ["athena", "agora", "r420", "r720xd"]) {
    hosts.setKeys(name, `${mine}\n${secrets.require("ssh.deploy.public").reveal()}`);
  }
  const password = secrets.require("postgresql.mattermost").reveal();
  const world: World = {
    team,
    hosts,
    chat: fakeChat("id-of-athena", { id: "id-of-first-token", token: "first-token" }),
    agent: { dashboard: [], bot: "", model: "" },
    database: { password, mattermost: password },
    mine,
  };
  await contextOf(world).then(({ apply }) => apply("agent", ["athena"]));
  return world;
}

/** A new process on a world: what it knows is what was saved. */
async function contextOf(world: World, effect: Effect = (work) => work()): Promise<RotateContext> {
  const { team } = world;
  const secrets = dyingStore(await openSecrets(team), effect);
  const machine = team.machines.find(({ name }) => name === "athena")!;
  const value = (path: string): string => secrets.require(path).reveal();
  vi.stubGlobal("fetch", (address: string | URL, init: RequestInit = {}) =>
    effect(async () => {
      const { pathname, port } = new URL(address);
      if (port !== "18789") return world.chat.answer(pathname, init);
      const token = new Headers(init.headers).get("authorization")!.replace("Bearer ", "");
      return new Response("{}", { status: letsIn(world, token) ? 200 : 401 });
    }),
  );
  return {
    team,
    secrets,
    reporter: silentReporter(),
    signal: new AbortController().signal,
    chatUrl: "http://10.220.1.20:8065",
    connect: async (target) => {
      const connection = await world.hosts.connect(effect)(target);
      return {
        ...connection,
        exec: (command, options) =>
          command.includes("psql")
            ? effect(async () => psql(world, String(options?.stdin)))
            : command.includes("/models")
              ? effect(async () => ({ code: 0, stdout: "answered 200\n", stderr: "" }))
              : connection.exec(command, options),
      };
    },
    async apply(role) {
      if (role === "agent") {
        // As the role does before it asks any host.
        await secrets.save();
        await effect(async () => {
          const { secrets: handed } = renderAgent(team, machine, secrets);
          const dashboard = readGrants(handed["dashboard-token"]!.reveal(), "dashboard-token");
          world.agent = { dashboard, bot: value("mattermost.bots.athena.token"), model: value("models.anthropic") };
        });
      } else {
        for (const side of ["password", "mattermost"] as const) {
          await effect(async () => {
            world.database[side] = value("postgresql.mattermost");
          });
        }
      }
    },
  };
}

function psql({ database }: World, file: string): { code: number; stdout: string; stderr: string } {
  return file.trim().endsWith(`:${database.password}`)
    ? { code: 0, stdout: "42\n", stderr: "" }
    : { code: 2, stdout: 'FATAL:  password authentication failed for user "mattermost"\n', stderr: "" };
}

const newValue = (): Promise<string> => Promise.resolve("second-model-key");

async function rotate(world: World, name: string, effect?: Effect): Promise<void> {
  const context = await contextOf(world, effect);
  await runRotation(rotationOf(name, context, newValue), context);
}

/** Names whose rotation is under way, as they were saved. */
async function underWay(world: World): Promise<string[]> {
  return (await openSecrets(world.team)).paths().filter((path) => path.startsWith("rotation."));
}

const savedValue = async (world: World, path: string): Promise<string> =>
  (await openSecrets(world.team)).require(path).reveal();

/** Kills a rotation everywhere; `holds` must be true after each kill, `done` after the run that follows it. */
async function everywhere(
  name: string,
  holds: (world: World) => Promise<void>,
  done: (world: World, old: string) => Promise<void>,
  of = base,
): Promise<number> {
  const path = name === "ssh.deploy" ? "ssh.deploy.public" : name;
  const old = await savedValue(await fresh(), path);
  return killedEverywhere(
    () => fresh(of),
    (world, effect) => rotate(world, name, effect),
    async (world) => {
      await holds(world);
      const begun = (await underWay(world)).length > 0 || (await savedValue(world, path)) === old;
      // A run that got through has nothing left to do: another one would make a third value.
      if (begun) await rotate(world, name);
      expect(await underWay(world)).toEqual([]);
      expect(await savedValue(world, path)).not.toBe(old);
      await done(world, old);
    },
  );
}

describe("killed at any moment, the service works, and the same command ends what was begun", () => {
  test("a dashboard's token", async () => {
    const kills = await everywhere(
      "agents.athena.dashboard",
      async (world) => {
        // What a person finds among the secrets, or had in a bookmark since before, opens the dashboard.
        const known = [
          await savedValue(world, "agents.athena.dashboard"),
          await oldOf(world, "agents.athena.dashboard"),
        ];
        expect(known.some((token) => token !== undefined && letsIn(world, token))).toBe(true);
      },
      async (world, old) => {
        expect(letsIn(world, await savedValue(world, "agents.athena.dashboard"))).toBe(true);
        expect(letsIn(world, old)).toBe(false);
      },
    );
    expect(kills).toBeGreaterThan(10);
  });

  test("a bot's token", async () => {
    const kills = await everywhere(
      "mattermost.bots.athena.token",
      async (world) => expect(world.chat.takes(world.agent.bot)).toBe(true),
      async (world, old) => {
        expect(world.agent.bot).toBe(await savedValue(world, "mattermost.bots.athena.token"));
        expect(world.chat.takes(world.agent.bot)).toBe(true);
        expect(world.chat.takes(old)).toBe(false);
        // None that a killed run made and told nobody of.
        expect(world.chat.tokens()).toEqual([world.agent.bot]);
      },
    );
    expect(kills).toBeGreaterThan(20);
  });

  test("the database's password", async () => {
    const kills = await everywhere(
      "postgresql.mattermost",
      async (world) => {
        const known = [await savedValue(world, "postgresql.mattermost"), await oldOf(world, "postgresql.mattermost")];
        expect(known).toContain(world.database.password);
      },
      async ({ database }, old) => {
        expect(database.mattermost).toBe(database.password);
        expect(database.password).not.toBe(old);
      },
    );
    expect(kills).toBeGreaterThan(6);
  });

  test("the deploy key: every host can be logged in to, people's own keys stay where they are", async () => {
    const kills = await everywhere(
      "ssh.deploy",
      async (world) => {
        const secrets = await openSecrets(world.team);
        const key = keyWord(secrets.require("ssh.deploy.public").reveal());
        for (const name of ["athena", "agora", "r420", "r720xd"]) {
          expect(world.hosts.keys(name)).toContain(key);
          expect(world.hosts.keys(name)).toContain(`${world.mine}\n`);
        }
      },
      async (world, old) => {
        const key = await savedValue(world, "ssh.deploy.public");
        for (const name of ["athena", "agora", "r420", "r720xd"]) {
          expect(world.hosts.keys(name)).toBe(`${world.mine}\n${key}\n`);
          expect(world.hosts.keys(name)).not.toContain(keyWord(old));
        }
      },
    );
    expect(kills).toBeGreaterThan(20);
  });

  test("the deploy key behind a jump host that is no host of the team: it takes the new key too, then only that", async () => {
    const jump = { address: "192.0.2.7", port: 22, user: "kim", hostKey: "ssh-ed25519 JUMP" };
    const behind = { ...base, team: { ...base.team, network: { ...base.team.network, jump } } };
    const world = await fresh(behind);
    const old = await savedValue(world, "ssh.deploy.public");
    world.hosts.setKeys("the jump host 192.0.2.7", `${world.mine}\n${old}\n`);
    await rotate(world, "ssh.deploy");
    const now = await savedValue(world, "ssh.deploy.public");
    for (const name of ["the jump host 192.0.2.7", "athena", "agora", "r420", "r720xd"]) {
      expect(world.hosts.keys(name)).toBe(`${world.mine}\n${now}\n`);
    }
    await rotate(world, "ssh.deploy");
  });

  test("a model's key", async () => {
    const models = [{ provider: "anthropic" as const, model: "claude" }];
    const machines = base.machines.map((one) => (one.agent ? { ...one, agent: { ...one.agent, models } } : one));
    const kills = await everywhere(
      "models.anthropic",
      async ({ agent }) => expect(["first-model-key", "second-model-key"]).toContain(agent.model),
      async ({ agent }) => expect(agent.model).toBe("second-model-key"),
      { ...base, machines },
    );
    expect(kills).toBeGreaterThan(4);
  });
});

const keyWord = (line: string): string => line.split(" ")[1]!;

async function oldOf(world: World, path: string): Promise<string | undefined> {
  return (await openSecrets(world.team)).get(`rotation.${path}`)?.reveal();
}

describe("what cannot be done", () => {
  test("a host that is down: the deploy key stays as it is, and the host is named", async () => {
    const world = await fresh();
    const old = await savedValue(world, "ssh.deploy.public");
    world.hosts.down.add("r720xd");
    await expect(rotate(world, "ssh.deploy")).rejects.toMatchObject({
      message: "1 of 4 hosts",
      errors: [{ code: "E-SSH-REFUSED", exit: 4, where: "r720xd" }],
    });
    for (const name of ["athena", "agora", "r420"]) expect(world.hosts.keys(name)).toContain(keyWord(old));
    expect(await savedValue(world, "ssh.deploy.public")).toBe(old);
    world.hosts.down.clear();
    await rotate(world, "ssh.deploy");
    for (const name of ["athena", "agora", "r420", "r720xd"])
      expect(world.hosts.keys(name)).not.toContain(keyWord(old));
  });

  test("sudo that wants a password, on a host that speaks German: the deploy key is rotated there with the one that was given", async () => {
    const world = await fresh();
    world.hosts.passwords.set("r720xd", "hunter2-of-r720xd");
    await expect(rotate(world, "ssh.deploy")).rejects.toMatchObject({
      errors: [{ code: "E-ROLE-SUDO", where: "r720xd", hint: expect.stringContaining("secrets set sudo.r720xd") }],
    });
    const secrets = await openSecrets(world.team);
    secrets.set("sudo.r720xd", "hunter2-of-r720xd");
    await secrets.save();
    await rotate(world, "ssh.deploy");
    const now = await savedValue(world, "ssh.deploy.public");
    expect(world.hosts.keys("r720xd")).toBe(`${world.mine}\n${now}\n`);
  });

  test("a list of keys that cannot be written: told with the host's own words", async () => {
    const world = await fresh();
    const context = await contextOf(world);
    const broken: RotateContext = {
      ...context,
      connect: async (target) => ({
        ...(await world.hosts.connect()(target)),
        exec: async () => ({ code: 1, stdout: "", stderr: "sh: cannot create list: No space left on device\n" }),
      }),
    };
    await expect(runRotation(rotationOf("ssh.deploy", broken, newValue), broken)).rejects.toMatchObject({
      errors: expect.arrayContaining([
        expect.objectContaining({ code: "E-ROTATE", message: expect.stringContaining("No space left on device") }),
      ]),
    });
  });

  test("what a host prints is shown without the secrets in it", async () => {
    const world = await fresh();
    const context = await contextOf(world);
    const password = await savedValue(world, "postgresql.mattermost");
    const telling: RotateContext = {
      ...context,
      connect: async (target) => ({
        ...(await world.hosts.connect()(target)),
        exec: async () => ({ code: 2, stdout: `psql: error: connection to "${password}" failed\n`, stderr: "" }),
      }),
    };
    const error = await runRotation(rotationOf("postgresql.mattermost", telling, newValue), telling).catch(String);
    expect(error).toContain("the password could not be tried");
    expect(error).not.toContain(password);
  });

  test("a dashboard that is not there, and one that goes on taking the old token", async () => {
    const world = await fresh();
    const context = await contextOf(world);
    const rotation = rotationOf("agents.athena.dashboard", context, newValue);
    const stubborn = { ...context, apply: () => Promise.resolve() };
    await expect(
      runRotation(rotationOf("agents.athena.dashboard", stubborn, newValue), stubborn),
    ).rejects.toMatchObject({
      code: "E-ROTATE",
      exit: 2,
      message: expect.stringContaining("HTTP 401 to the new token"),
    });
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") })));
    await expect(runRotation(rotation, context)).rejects.toMatchObject({
      code: "E-ROTATE",
      exit: 4,
      message: "the dashboard does not answer: ECONNREFUSED",
    });
  });

  test("an agent that is down while a dashboard's old token ends: known of, and ended by the next run", async () => {
    const world = await fresh();
    const path = "agents.athena.dashboard";
    const old = await savedValue(world, path);
    const context = await contextOf(world);
    let given = 0;
    const down = {
      ...context,
      apply: async (role: string, on: readonly string[]) => {
        await context.secrets.save();
        if (given++ > 0) throw new Error("athena is down");
        await context.apply(role, on);
      },
    };
    await expect(runRotation(rotationOf(path, down, newValue), down)).rejects.toThrow("athena is down");
    expect([letsIn(world, old), await underWay(world)]).toEqual([true, [`rotation.${path}.ended.key`]]);
    const now = await savedValue(world, path);
    await rotate(world, path);
    expect([letsIn(world, old), letsIn(world, now), await underWay(world)]).toEqual([false, true, []]);
  });

  test("a chat that is down", async () => {
    const context = await contextOf(await fresh());
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") })));
    await expect(runRotation(rotationOf("mattermost.bots.athena", context, newValue), context)).rejects.toMatchObject({
      code: "E-CHAT-DOWN",
      exit: 4,
    });
  });

  test("a rotation that was interrupted begins no further step", async () => {
    const world = await fresh();
    const context = await contextOf(world);
    const stop = new AbortController();
    const stopped = { ...context, signal: stop.signal };
    const rotation = rotationOf("agents.athena.dashboard", stopped, newValue);
    await expect(runRotation(rotation, stopped, () => stop.abort())).rejects.toThrow(/abort/i);
    expect(await underWay(world)).toEqual(["rotation.agents.athena.dashboard"]);
  });

  test.each([
    ["hosts.athena.private", /rebuild the machine/],
    ["pulumi.passphrase", /change-secrets-provider/],
    ["mattermost.people.mara.token", /chat` makes another/],
    ["mattermost.bots.athena.id", /no secret/],
    ["team.hmac", /while none is at work/],
    ["forge.webhook", /give it to GitHub/],
    ["agents.nobody.deploy", /agents\.NAME\.deploy/],
    ["agents.athena.tokens.grafana", /tokens add/],
    ["backup.athena.earlier", /rotate backup\.NAME\.identity/],
    ["agents.athena.signing.former", /they stay/],
    ["agents.athena.signing.private", /agents\.NAME\.signing/],
    ["tls.chat.key", /The team file gives the certificate/],
    ["sudo.r420", /passwd/],
    ["agents.nobody.dashboard", /agents\.NAME\.dashboard/],
  ])("%s is not rotated in place: the hint says what to do", async (name, hint) => {
    const context = await contextOf(await fresh());
    expect(() => rotationOf(name, context, newValue)).toThrow(
      expect.objectContaining({ code: "E-SECRET-ROTATE", exit: 1, hint: expect.stringMatching(hint) }),
    );
  });

  test("what was never set has nothing to be replaced", async () => {
    const context = await contextOf(await fresh());
    expect(() => rotationOf("models.google", context, newValue)).toThrow(
      expect.objectContaining({ code: "E-SECRET-MISSING", hint: "npx olympus secrets set models.google" }),
    );
  });
});

test("all that can be rotated without being given a value, by name", async () => {
  const context = await contextOf(await fresh());
  expect(rotatable(context)).toEqual([
    "agents.athena.dashboard",
    "mattermost.bots.athena.token",
    "mattermost.admin.password",
    "postgresql.mattermost",
    "ssh.deploy",
  ]);
});

test("what is left for people of one that ended is told before the next one, which fails", async () => {
  const world = await fresh();
  const reporter = silentReporter();
  const context = { ...(await contextOf(world)), reporter };
  const done = (name: string) => ({
    name,
    users: [],
    overlap: "",
    begun: () => true,
    begin: () => Promise.resolve(),
    deliver: () => Promise.resolve(),
    verify: () => Promise.resolve(),
    finish: () => Promise.resolve(),
  });
  const first = { ...done("first"), left: () => "import it into browsers" };
  const second = { ...done("second"), verify: () => Promise.reject(new Error("r420 does not answer")) };
  await expect(runRotations([first, second], context)).rejects.toThrow("r420 does not answer");
  expect(reporter.lines.join("\n")).toContain("import it into browsers");
  expect(await runRotations([first, done("third")], context)).toEqual(["import it into browsers"]);
});
