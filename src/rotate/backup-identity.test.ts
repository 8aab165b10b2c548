import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { earlierIdentities, sealingKeys, transportKey } from "../../roles/backup/keys.ts";
import { openSecrets } from "../../secrets/store.ts";
import { dyingStore, type Effect, killedEverywhere } from "../../test/support/killed.ts";
import { labTeam } from "../../test/support/team.ts";
import { silentReporter } from "../base/report.ts";
import type { ExecResult } from "../ssh/connection.ts";
import type { LoadedTeam } from "../team/model.ts";
import { type RotateContext, rotatable, rotationOf, runRotation } from "./index.ts";

// The host is played as far as a rotation asks it; who can open what is age's own.

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

let base: LoadedTeam;
let folder = "";
let copies = 0;
const path = "backup.athena.identity";

beforeAll(async () => {
  const { team, secrets, folder: made } = await labTeam();
  folder = made;
  const roles: Readonly<Record<string, LoadedTeam["machines"][number]["roles"]>> = {
    athena: { backup: { to: "agora" } },
    agora: { backup: {} },
  };
  base = { ...team, machines: team.machines.map((one) => ({ ...one, roles: roles[one.name] ?? one.roles })) };
  transportKey("athena", secrets);
  await sealingKeys("athena", secrets);
  await secrets.save();
});
afterAll(() => rmSync(folder, { recursive: true }));

interface World {
  readonly team: LoadedTeam;
  /** Lines of the host's file, and whom it seals new backups for. */
  identities: readonly string[];
  recipients: readonly string[];
  /** What is kept, oldest first: whom each was sealed for. Undefined: broken, nobody opens it. */
  kept: (readonly string[] | undefined)[];
  /** Of a host that goes on as before. */
  stubborn: boolean;
}

async function fresh(): Promise<World> {
  const here = mkdtempSync(join(folder, `world-${++copies}-`));
  const team = { ...base, secretsFile: join(here, "secrets.enc.yaml") };
  copyFileSync(base.secretsFile, team.secretsFile);
  const world: World = { team, identities: [], recipients: [], kept: [], stubborn: false };
  await bring(world, await openSecrets(team));
  world.kept = [world.recipients];
  return world;
}

async function bring(world: World, secrets: RotateContext["secrets"], effect: Effect = (work) => work()) {
  const { identity, recipients } = await sealingKeys("athena", secrets);
  await secrets.save();
  // As the role has it: what opens comes before what seals.
  await effect(async () => {
    world.identities = identity.reveal().trim().split("\n");
  });
  await effect(async () => {
    if (!world.stubborn) world.recipients = recipients;
  });
}

const nameOf = (index: number): string => `2026010${index + 1}T000000Z.tar.age`;

async function opens(identity: string, sealed: readonly string[] | undefined): Promise<boolean> {
  const { identityToRecipient } = await import("age-encryption");
  return sealed?.includes(await identityToRecipient(identity)) ?? false;
}

async function answer(world: World, command: string, stdin: string): Promise<ExecResult> {
  const said = (lines: readonly string[]): ExecResult => ({ code: 0, stdout: `${lines.join("\n")}\n`, stderr: "" });
  if (command.includes("backup now")) return said([`made ${nameOf(world.kept.push(world.recipients) - 1)}`]);
  const only = /opens (\S+age)/.exec(command)?.[1];
  const lines = world.kept.map(async (sealed, index) => {
    const can = await Promise.all(
      stdin
        .trim()
        .split("\n")
        .map((one) => opens(one, sealed)),
    );
    return [nameOf(index), ...can.flatMap((yes, at) => (yes ? [at + 1] : []))].join(" ");
  });
  return said((await Promise.all(lines)).filter((line) => only === undefined || line.startsWith(only)));
}

async function rotate(world: World, effect: Effect = (work) => work()): Promise<void> {
  const secrets = dyingStore(await openSecrets(world.team), effect);
  const context: RotateContext = {
    team: world.team,
    secrets,
    reporter: silentReporter(),
    signal: new AbortController().signal,
    chatUrl: "",
    connect: async (target) => ({
      target,
      close: () => undefined,
      exec: (command, options) => effect(() => answer(world, command, String(options?.stdin))),
    }),
    apply: () => bring(world, secrets, effect),
  };
  await runRotation(
    rotationOf(path, context, () => Promise.reject(new Error("nobody is asked"))),
    context,
  );
}

/** Whether the host opens everything that is kept and not broken, and what it would make now. */
async function opensAll({ identities, kept, recipients }: World): Promise<boolean> {
  const sealed = [...kept, recipients].filter((one) => one !== undefined);
  const each = sealed.map(async (one) => (await Promise.all(identities.map((own) => opens(own, one)))).includes(true));
  return (await Promise.all(each)).every(Boolean);
}

const saved = async ({ team }: World, name: string) => (await openSecrets(team)).get(name)?.reveal();

test("killed at any moment the host opens every backup, and the same command ends what was begun", async () => {
  let first = "";
  const kills = await killedEverywhere(
    async () => {
      const world = await fresh();
      first = world.identities[0]!;
      return world;
    },
    rotate,
    async (world) => {
      expect(await opensAll(world)).toBe(true);
      if ((await saved(world, `rotation.${path}`)) !== undefined || (await saved(world, path)) === first) {
        await rotate(world);
      }
      expect(await opensAll(world)).toBe(true);
      // What is made now is sealed for the new one alone; the old one stays for what is kept from before.
      const now = (await saved(world, path))!;
      expect(world.identities).toEqual([now, first]);
      expect([await opens(now, world.recipients), await opens(first, world.recipients)]).toEqual([true, false]);
      expect(await saved(world, earlierIdentities("athena"))).toBe(first);
      expect(await saved(world, `rotation.${path}`)).toBeUndefined();
    },
  );
  expect(kills).toBeGreaterThan(15);
});

test("an old identity ends with the rotation that finds no backup any more that needs it", async () => {
  const world = await fresh();
  const first = (await saved(world, path))!;
  await rotate(world);
  const second = (await saved(world, path))!;
  await rotate(world);
  const third = (await saved(world, path))!;
  expect(world.identities).toEqual([third, second, first]);
  // The place where they are kept has let the oldest go.
  world.kept.shift();
  await rotate(world);
  expect(world.identities).toEqual([await saved(world, path), third, second]);
  world.kept = [];
  await rotate(world);
  expect(world.identities).toEqual([await saved(world, path)]);
  expect(await saved(world, earlierIdentities("athena"))).toBeUndefined();
});

test("where a backup is opened by none, all identities stay", async () => {
  const world = await fresh();
  const first = (await saved(world, path))!;
  world.kept = [undefined];
  await rotate(world);
  expect(world.identities).toEqual([await saved(world, path), first]);
});

test("a host that goes on sealing for the old one is told; both identities stay there until that is mended", async () => {
  const world = await fresh();
  world.stubborn = true;
  await expect(rotate(world)).rejects.toMatchObject({ code: "E-ROTATE", where: "athena" });
  expect([await opensAll(world), world.identities.length]).toEqual([true, 2]);
  world.stubborn = false;
  await rotate(world);
  expect(await saved(world, `rotation.${path}`)).toBeUndefined();
});

test("it can be rotated without being given a value; a host that sends its backups nowhere has none in use", async () => {
  const { team } = await fresh();
  const secrets = await openSecrets(team);
  expect(rotatable({ team, secrets })).toEqual(expect.arrayContaining(["backup.athena.ssh", path]));
  secrets.set("backup.agora.identity", "x");
  const context = { team, secrets } as RotateContext;
  expect(() => rotationOf("backup.agora.identity", context, () => Promise.resolve(""))).toThrow(
    expect.objectContaining({ code: "E-SECRET-ROTATE", exit: 1 }),
  );
});
