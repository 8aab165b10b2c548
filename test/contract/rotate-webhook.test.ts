/** What signs the forge's webhooks: the rehearsal forge sends them over HTTP, agents' receivers take them; their machines are folders. */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateX25519Identity } from "age-encryption";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { renderForge } from "../../roles/agent/forge.ts";
import { worldOf } from "../../roles/forge/world.ts";
import { initSecrets, openSecrets } from "../../secrets/store.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { silentReporter } from "../../src/base/report.ts";
import type { Secret } from "../../src/base/secret.ts";
import { receiveWebhooks, type WebhookReceiver } from "../../src/harness/forge/webhook.ts";
import { silentLog } from "../../src/harness/log.ts";
import { type RehearsalForge, startForge } from "../../src/rehearsal/forge/server.ts";
import { type RotateContext, rotatable, rotationOf, runRotation } from "../../src/rotate/index.ts";
import { forgeApi, forgePort, playedForge, webhookPort } from "../../src/team/forge.ts";
import { loadTeam } from "../../src/team/load.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { type FakeHosts, fakeHosts } from "../support/fake-hosts.ts";
import { dyingStore, type Effect, killedEverywhere } from "../support/killed.ts";

const path = "forge.webhook";
const folder = mkdtempSync(join(tmpdir(), "olympus-webhook-"));
/** Addresses of this computer alone, of which no two suites have the same: the ports are the real ones. */
const network = `127.${64 + (process.pid % 64)}.${(process.pid >> 6) % 256}`;
let team: LoadedTeam;
let hosts: FakeHosts;
let forge: RehearsalForge | undefined;
/** What each agent was given, and its receiver. */
const agents = new Map<string, { given: Secret; receiver: WebhookReceiver }>();
let kept = "";

beforeAll(async () => {
  vi.stubEnv("SOPS_AGE_KEY", await generateX25519Identity());
  const loaded = await loadTeam(join(projectRoot, "examples/quickstart/team.yaml"));
  // One agent and the forge: dozens of rotations are made.
  const machines = loaded.machines
    .filter(({ name }) => name !== "athena")
    .map((machine, at) => ({ ...machine, address: `${network}.${at + 1}` }));
  team = { ...loaded, machines, secretsFile: join(folder, "secrets.enc.yaml") };
  const { store } = await initSecrets(team);
  kept = join(folder, "kept");
  copyFileSync(store.file, kept);
  hosts = fakeHosts(folder);
  for (const { name } of machines) hosts.setKeys(name, store.require("ssh.deploy.public").reveal());
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await forge?.close();
  await Promise.all([...agents.values()].map(({ receiver }) => receiver.close()));
  rmSync(folder, { recursive: true });
});

const harnesses = () => team.machines.filter(({ agent }) => agent !== undefined);

/** A new process. */
async function contextOf(effect: Effect = (work) => work()): Promise<RotateContext> {
  const secrets = dyingStore(await openSecrets(team), effect);
  return {
    team,
    secrets,
    reporter: silentReporter(),
    signal: new AbortController().signal,
    chatUrl: "",
    connect: hosts.connect(),
    async apply(role, on) {
      // As the agent's role does before it asks any host.
      await secrets.save();
      await effect(async () => {
        if (role === "forge") {
          await forge?.close();
          forge = await startForge({
            dir: join(folder, "forge"),
            address: new URL(playedForge(team)!).hostname,
            port: forgePort,
            world: worldOf(team, secrets),
            webhookSecret: secrets.require(path).reveal(),
          });
        } else {
          for (const machine of harnesses().filter(({ name }) => on.includes(name))) {
            const given = renderForge(team, machine, secrets)!.secrets["forge-webhook"]!;
            await agents.get(machine.name)?.receiver.close();
            const at = { address: machine.address, port: webhookPort, secret: given };
            agents.set(machine.name, { given, receiver: await receiveWebhooks(at, () => undefined, silentLog) });
          }
        }
      });
    },
  };
}

/** The team as it was set up, before any rotation. Gives the value. */
async function fresh(): Promise<string> {
  copyFileSync(kept, team.secretsFile);
  const { apply, secrets } = await contextOf();
  const names = harnesses().map(({ name }) => name);
  await apply("agent", names);
  await apply("forge", [""]);
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

/** What each agent answers to something that the forge sends it now. */
async function delivered(): Promise<number[]> {
  const repository = Object.keys(team.team.repositories)[0]!;
  const [person] = Object.entries(team.team.people).find(([, { admin }]) => admin)!;
  const authorization = `Bearer ${await saved(`people.${person}.github`)}`;
  const call = async (method: string, to: string) =>
    fetch(`${forgeApi(team)}/repos/${repository}/hooks${to}`, { method, headers: { authorization } });
  const hooks = (await (await call("GET", "")).json()) as { id: number; config: { url: string } }[];
  expect(hooks.map(({ config }) => new URL(config.url).hostname).sort()).toEqual(
    harnesses()
      .map(({ address }) => address)
      .sort(),
  );
  return Promise.all(
    hooks.map(async ({ id }) => {
      type Sent = { id: number; status_code: number }[];
      const sent = async () => (await (await call("GET", `/${id}/deliveries`)).json()) as Sent;
      const before = (await sent())[0]?.id ?? 0;
      expect((await call("POST", `/${id}/pings`)).status).toBe(204);
      await expect.poll(async () => (await sent())[0]?.id ?? 0, { timeout: 20_000 }).toBeGreaterThan(before);
      return (await sent())[0]!.status_code;
    }),
  );
}

test("killed at any moment, agents take what the forge sends; run again it ends, and the old value opens nothing", async () => {
  const taken = harnesses().map(() => 202);
  const kills = await killedEverywhere(
    fresh,
    (_, effect) => rotate(contextOf(effect)),
    async (old) => {
      expect(await delivered()).toEqual(taken);
      if ((await underWay()).length > 0 || (await saved(path)) === old) await rotate();
      expect(await underWay()).toEqual([]);
      const now = await saved(path);
      expect(now).not.toBe(old);
      expect([...agents.values()].map(({ given }) => given.reveal())).toEqual(harnesses().map(() => now));
      expect(await delivered()).toEqual(taken);
    },
  );
  expect(kills).toBeGreaterThan(8);
}, 120_000);

test("a forge that signs with the old value is told before that ends; run again it ends", async () => {
  const old = await fresh();
  const context = await contextOf();
  const deaf = {
    ...context,
    apply: (role: string, on: readonly string[]) => (role === "forge" ? Promise.resolve() : context.apply(role, on)),
  };
  await expect(rotate(Promise.resolve(deaf))).rejects.toMatchObject({
    code: "E-ROTATE",
    message: "the forge does not sign with the new value",
  });
  expect(await saved(`rotation.${path}`)).toBe(old);
  expect(await delivered()).toEqual(harnesses().map(() => 202));
  await rotate();
  expect(await underWay()).toEqual([]);
});

test("an agent that goes on taking the old value is told, and so is one that does not take the new one", async () => {
  const old = await fresh();
  let given = 0;
  const context = await contextOf();
  const once = {
    ...context,
    apply: async (role: string, on: readonly string[]) => {
      if (role === "forge" || given++ === 0) await context.apply(role, on);
    },
  };
  const { name } = harnesses()[0]!;
  await expect(rotate(Promise.resolve(once))).rejects.toMatchObject({
    code: "E-ROTATE",
    where: name,
    message: `${name} answers HTTP 202 to a webhook signed with the old value`,
  });
  // Known of although it is given to nobody any more; run again, it is taken no more, and no third value is made.
  expect([await underWay(), await saved(`rotation.${path}.ended.key`)]).toEqual([[`rotation.${path}.ended.key`], old]);
  const now = await saved(path);
  await rotate();
  expect([await underWay(), await saved(path)]).toEqual([[], now]);
  expect([...agents.values()].map(({ given }) => given.reveal())).toEqual(harnesses().map(() => now));
  const never = { ...context, apply: () => Promise.resolve() };
  copyFileSync(kept, team.secretsFile);
  await fresh();
  await expect(rotate(Promise.resolve({ ...never, secrets: await openSecrets(team) }))).rejects.toMatchObject({
    message: `${name} answers HTTP 401 to a webhook signed with the new value`,
  });
});

test("it is among what can be rotated where the team's own forge sends webhooks; GitHub is given another by people", async () => {
  await fresh();
  const context = await contextOf();
  expect(rotatable(context)).toContain(path);
  const machines = team.machines.filter(({ service }) => !service?.services.includes("forge"));
  const elsewhere = { ...context, team: { ...team, machines } };
  expect(rotatable(elsewhere)).not.toContain(path);
  expect(() => rotationOf(path, elsewhere, noValue)).toThrow(
    expect.objectContaining({ hint: expect.stringContaining("give it to GitHub") }),
  );
});
