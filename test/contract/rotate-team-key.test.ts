/** The key by which agents trust one another on the forge: the rehearsal forge holds what they signed; their machines are folders. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateX25519Identity } from "age-encryption";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { renderForge } from "../../roles/agent/forge.ts";
import { worldOf } from "../../roles/forge/world.ts";
import { initSecrets, openSecrets } from "../../secrets/store.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { silentReporter } from "../../src/base/report.ts";
import { Secret } from "../../src/base/secret.ts";
import { marked, markOf } from "../../src/harness/tasks/marks.ts";
import { type RehearsalForge, startForge } from "../../src/rehearsal/forge/server.ts";
import { type RotateContext, rotatable, rotationOf, runRotation, runRotations } from "../../src/rotate/index.ts";
import { forgeApi, forgePort, playedForge } from "../../src/team/forge.ts";
import { loadTeam } from "../../src/team/load.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { type FakeHosts, fakeHosts } from "../support/fake-hosts.ts";
import { dyingStore, type Effect, killedEverywhere } from "../support/killed.ts";

const path = "team.hmac";
const names = ["athena", "apollo"] as const;
const folder = mkdtempSync(join(tmpdir(), "olympus-team-key-"));
/** Addresses of this computer alone, of which no two suites have the same. */
const network = `127.${128 + (process.pid % 64)}.${(process.pid >> 6) % 256}`;
const place = { repo: "olympus/greet", login: "athena" };
const kept = join(folder, "kept");
let team: LoadedTeam;
let hosts: FakeHosts;
let forge: RehearsalForge;

beforeAll(async () => {
  vi.stubEnv("SOPS_AGE_KEY", await generateX25519Identity());
  const loaded = await loadTeam(join(projectRoot, "examples/quickstart/team.yaml"));
  const machines = loaded.machines.map((machine, at) => ({ ...machine, address: `${network}.${at + 1}` }));
  team = { ...loaded, machines, secretsFile: join(folder, "secrets.enc.yaml") };
  const { store } = await initSecrets(team);
  copyFileSync(store.file, kept);
  hosts = fakeHosts(folder);
  for (const { name } of machines) hosts.setKeys(name, store.require("ssh.deploy.public").reveal());
  const at = { address: new URL(playedForge(team)!).hostname, port: forgePort };
  forge = await startForge({ dir: join(folder, "forge"), world: { ...worldOf(team, store), hooks: [] }, ...at });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await forge?.close();
  rmSync(folder, { recursive: true });
});

const keyFile = (name: string): string => join(folder, name, "team-key");
/** What an agent was started with. */
const keyOf = (name: string): Secret => new Secret(path, readFileSync(keyFile(name), "utf8"));

/** A new process. Agents are given their keys one after the other. */
async function contextOf(effect: Effect = (work) => work()): Promise<RotateContext> {
  const secrets = dyingStore(await openSecrets(team), effect);
  return {
    team,
    secrets,
    reporter: silentReporter(),
    signal: new AbortController().signal,
    chatUrl: "",
    connect: async (target) => {
      const connection = await hosts.connect()(target);
      const there = (command: string) =>
        command.replaceAll("/run/credentials/olympus-agent.service/team-key", keyFile(target.name));
      return { ...connection, exec: (command, options) => connection.exec(there(command), options) };
    },
    async apply(_, on) {
      // As the role does before it asks any host.
      await secrets.save();
      for (const name of on) {
        const machine = team.machines.find((one) => one.name === name)!;
        await effect(async () => {
          mkdirSync(join(folder, name), { recursive: true });
          writeFileSync(keyFile(name), renderForge(team, machine, secrets)!.secrets["team-key"]!.reveal());
        });
      }
    },
  };
}

/** The team as it was set up, before any rotation. Gives the value. */
async function fresh(): Promise<string> {
  copyFileSync(kept, team.secretsFile);
  const { apply, secrets } = await contextOf();
  await apply("agent", names);
  return secrets.require(path).reveal();
}

const noValue = () => Promise.reject(new Error("nobody is asked"));

async function rotate(context: Promise<RotateContext> = contextOf()): Promise<void> {
  const its = await context;
  await runRotation(rotationOf(path, its, noValue), its);
}

const saved = async (name: string): Promise<string | undefined> => (await openSecrets(team)).get(name)?.reveal();
const underWay = async (): Promise<string[]> =>
  (await openSecrets(team)).paths().filter((one) => one.startsWith("rotation."));

/** Which agents take what each of them signs now, as `athena>apollo`. */
function trusting(): string[] {
  return names.flatMap((from) =>
    names.flatMap((to) => {
      const text = marked("mine", keyOf(from), "claim", place, { issue: 1 });
      return markOf(keyOf(to), "claim", place, text) === undefined ? [] : [`${from}>${to}`];
    }),
  );
}
const everybody = ["athena>athena", "athena>apollo", "apollo>athena", "apollo>apollo"];

/** Asks the forge as athena, or by another token. */
async function asAthena(
  method: string,
  to: string,
  body?: object,
  token = "agents.athena.github",
): Promise<{ number: number }> {
  const response = await fetch(`${forgeApi(team)}/repos/${place.repo}/issues${to}`, {
    method,
    headers: { authorization: `Bearer ${await saved(token)}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(response.ok).toBe(true);
  return (await response.json()) as { number: number };
}

test("killed at any moment, each agent takes what any of them signs; run again it ends, and the old key signs nothing", async () => {
  const kills = await killedEverywhere(
    fresh,
    (_, effect) => rotate(contextOf(effect)),
    async (old) => {
      expect(trusting()).toEqual(everybody);
      const before = marked("", new Secret(path, old), "claim", place, {});
      // Killed while the old one was ended, an agent may have forgotten it: nothing that is open was signed by it.
      if ((await saved(path)) === old) {
        for (const name of names) expect(markOf(keyOf(name), "claim", place, before)).toBeDefined();
      }
      if ((await underWay()).length > 0 || (await saved(path)) === old) await rotate();
      const now = await saved(path);
      expect([await underWay(), now === old]).toEqual([[], false]);
      expect(names.map((name) => keyOf(name).reveal())).toEqual([now, now]);
      for (const name of names) expect(markOf(keyOf(name), "claim", place, before)).toBeUndefined();
    },
  );
  expect(kills).toBeGreaterThan(15);
}, 120_000);

test.each(["body", "comment"])(
  "what is open and was signed by the old key in a %s keeps that alive, and is named; closed, the same command ends it",
  async (where) => {
    const old = new Secret(path, await fresh());
    const text = marked("Mine.", old, "claim", place, { issue: 1 });
    const { number } = await asAthena("POST", "", { title: "One", body: where === "body" ? text : "words" });
    if (where === "comment") await asAthena("POST", `/${number}/comments`, { body: text });
    for (const _ of ["first", "again"]) {
      await expect(rotate()).rejects.toMatchObject({
        code: "E-ROTATE",
        message: `signed with the old value, and open: olympus/greet#${number}`,
        hint: expect.stringContaining("until these are closed"),
      });
      for (const name of names) expect(markOf(keyOf(name), "claim", place, text)).toEqual({ issue: 1 });
      expect(trusting()).toEqual(everybody);
      expect(await underWay()).toEqual(["rotation.team.hmac.old.key"]);
    }
    // What the new one signs, or somebody copied, does not count.
    const signed = marked("", keyOf("apollo"), "claim", place, {});
    const other = await asAthena("POST", "", {
      title: "Two",
      body: `${signed}\n${marked("", old, "claim", { ...place, login: "apollo" }, {})}`,
    });
    await asAthena("PATCH", `/${number}`, { state: "closed" });
    await rotate();
    expect(await underWay()).toEqual([]);
    await asAthena("PATCH", `/${other.number}`, { state: "closed" });
  },
);

test("rotated with all others it is no error that something is open: the new key is in use, its end is left for later", async () => {
  const old = new Secret(path, await fresh());
  const text = marked("Mine.", old, "claim", place, { issue: 1 });
  const { number } = await asAthena("POST", "", { title: "One", body: text });
  const all = async () => {
    const reporter = silentReporter();
    const context = { ...(await contextOf()), all: true, reporter };
    const left = await runRotations([rotationOf(path, context, noValue)], context);
    return [left, reporter.lines.join("\n")] as const;
  };
  const [left, told] = await all();
  expect(left).toEqual([
    `team.hmac: signed with the old value, and open: olympus/greet#${number}. Once these are closed: npx olympus secrets rotate team.hmac`,
  ]);
  expect(told).toContain(left[0]);
  expect(told).toContain("old one taken still");
  const now = await saved(path);
  expect([now === old.reveal(), await underWay(), trusting()]).toEqual([
    false,
    ["rotation.team.hmac.old.key"],
    everybody,
  ]);
  await asAthena("PATCH", `/${number}`, { state: "closed" });
  const [nothing, end] = await all();
  expect([nothing, await underWay(), await saved(path)]).toEqual([[], [], now]);
  expect(end).toContain("old one ended");
});

test.each(["before", "while"])(
  "two who end one rotation: one that another got through %s it gives keys stops there, and brings none back",
  async (when) => {
    const old = new Secret(path, await fresh());
    // Begun, and no more: both find it so.
    await rotationOf(path, await contextOf(), noValue).begin();
    const late = await contextOf();
    if (when === "before") await rotate();
    const its = {
      ...late,
      apply: async (role: string, on: readonly string[]) => {
        await rotate();
        await late.apply(role, on);
      },
    };
    await expect(rotate(Promise.resolve(when === "before" ? late : its))).rejects.toMatchObject({
      code: "E-ROTATE",
      where: team.secretsFile,
      message: "another command changed team.hmac, rotation.team.hmac.next.key meanwhile",
      hint: expect.stringContaining("role setup agent --all"),
    });
    expect([(await saved(path)) === old.reveal(), await underWay()]).toEqual([false, []]);
    // As the hint says: agents that were given what stood in memory take what is saved.
    if (when === "while") await (await contextOf()).apply("agent", names);
    const text = marked("", old, "claim", place, {});
    for (const name of names) expect(markOf(keyOf(name), "claim", place, text)).toBeUndefined();
  },
);

test("a person's text counts for nothing, also where it is signed by the old key; an agent's does, in whatever case its login is", async () => {
  const old = new Secret(path, await fresh());
  const signedAs = (login: string) => ({ title: "One", body: marked("Mine.", old, "claim", { ...place, login }, {}) });
  const theirs = await asAthena("POST", "", signedAs("mara"), "people.mara.github");
  await asAthena("POST", `/${theirs.number}/comments`, signedAs("mara"), "people.mara.github");
  const ours = await asAthena("POST", "", signedAs("athena"));
  const context = await contextOf();
  const machines = team.machines.map((machine) =>
    machine.name === "athena" ? { ...machine, roles: { ...machine.roles, github: { login: "Athena" } } } : machine,
  );
  await expect(
    rotate(Promise.resolve({ ...context, team: { ...team, machines } as LoadedTeam })),
  ).rejects.toMatchObject({
    message: `signed with the old value, and open: olympus/greet#${ours.number}`,
    hint: expect.stringMatching(/secrets rotate team\.hmac,.*secrets forget rotation\.team\.hmac\.old\.key/),
  });
  await asAthena("PATCH", `/${ours.number}`, { state: "closed" });
  await rotate();
  expect(await underWay()).toEqual([]);
  await asAthena("PATCH", `/${theirs.number}`, { state: "closed" });
});

test("an agent that does not run with what it was given is told before the first signs with the new key", async () => {
  const old = await fresh();
  const context = await contextOf();
  const deaf = {
    ...context,
    apply: (role: string, on: readonly string[]) =>
      context.apply(
        role,
        on.filter((name) => name === "athena"),
      ),
  };
  await expect(rotate(Promise.resolve(deaf))).rejects.toMatchObject({
    code: "E-ROTATE",
    where: "apollo",
    message: "apollo does not run with the keys that it was given",
  });
  expect([await saved(path), trusting()]).toEqual([old, everybody]);
  await rotate();
  expect(await underWay()).toEqual([]);
});

test("an agent that is down while the old key ends is known of: run again, it takes that no more", async () => {
  const old = new Secret(path, await fresh());
  const context = await contextOf();
  const down = {
    ...context,
    apply: async (role: string, on: readonly string[]) => {
      await context.secrets.save();
      if (!context.secrets.paths().some((one) => /\.(next|old)\.key$/.test(one))) throw new Error("apollo is down");
      await context.apply(role, on);
    },
  };
  await expect(rotate(Promise.resolve(down))).rejects.toThrow("apollo is down");
  expect([await saved("rotation.team.hmac.ended.key"), await underWay()]).toEqual([
    old.reveal(),
    ["rotation.team.hmac.ended.key"],
  ]);
  const now = await saved(path);
  await rotate();
  expect([await saved(path), await underWay()]).toEqual([now, []]);
  for (const name of names) expect(keyOf(name).reveal()).toBe(now);
});

test("it is the last of what can be rotated, where agents have accounts on a forge", async () => {
  await fresh();
  const context = await contextOf();
  expect(rotatable(context).at(-1)).toBe(path);
  expect(rotatable({ ...context, team: { ...team, team: { ...team.team, repositories: {} } } })).not.toContain(path);
});
