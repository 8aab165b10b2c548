import { existsSync } from "node:fs";
import { readdir, readFile, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OlympusError } from "../base/errors.ts";
import { withFileLock } from "../base/lock.ts";
import { cacheDir } from "../base/paths.ts";
import { type Reporter, withStep } from "../base/report.ts";
import { clearGroups, findHierarchies, groupPids, type Hierarchies, labsWithGroups } from "./cgroups.ts";
import { layout } from "./layout.ts";
import { ownAlias, readLinks } from "./links.ts";
import { stopMachine } from "./machine.ts";
import { requireRoot } from "./preflight.ts";
import { isAlive, waitFor } from "./processes.ts";
import { tryRun } from "./sh.ts";
import { readState } from "./state.ts";

export interface LabDownOptions {
  /** Also removes the machines' disks, the lab's secrets and state, and, unless another lab runs, the caches of roots and packages. */
  readonly purge?: boolean;
  /** With `purge`: also all that was built or downloaded, such as tools and images. */
  readonly cache?: boolean;
  /** Only tells what would be removed. */
  readonly dryRun?: boolean;
  readonly reporter: Reporter;
}

/** One thing that is removed, or was: `2 machines (r420, r720xd)`. */
export type Removed = readonly string[];

/**
 * Takes the lab down, whatever state it is in, also one that was cut off while going up or down. Machines are stopped
 * orderly, unless all they hold is purged anyway. Gives what was removed; nothing when nothing was left.
 */
export async function labDown({
  purge = false,
  cache = false,
  dryRun = false,
  reporter,
}: LabDownOptions): Promise<Removed> {
  const hierarchies = findHierarchies();
  const shared = purge && (await otherLabs()).length > 0;
  const folders = purge && !shared ? cacheFolders(cache ? allCaches : labCaches) : [];
  // The cache of compiled code is made by this very command, at its start: not worth a word.
  const told = folders.filter((folder) => folder !== cacheDir("compile"));
  const found = await findAll(hierarchies, purge, told);
  if (dryRun) return found;
  if (found.length > 0) {
    requireRoot("Taking the lab down");
    await withFileLock(layout.lock, { waitMs: 0 }, () =>
      withStep(reporter, "lab down", async (step) => {
        await stop(hierarchies, purge, (detail) => step.update(detail));
        if (purge) {
          step.update("removing files");
          await removeCaches(folders);
          // With it goes the lock.
          await rm(layout.dir, { recursive: true, force: true });
        }
        return { value: undefined, summary: `${found.length} things removed` };
      }),
    );
  }
  // All that is left there: nobody's ground.
  else await removeCaches(folders);
  if (purge) await removeEmpty(dirname(layout.dir));
  if (cache) await removeEmpty(cacheDir());
  return found;
}

/** Labs of other projects, and of tests, that run on this computer: their machines stand on the same roots, tools and images. */
export async function otherLabs(): Promise<string[]> {
  const hierarchies = findHierarchies();
  const running: string[] = [];
  for (const lab of await labsWithGroups(hierarchies)) {
    if (lab !== layout.lab && (await groupPids(hierarchies, lab)).length > 0) running.push(lab);
  }
  return running;
}

/** Throws E-LOCKED while another command builds roots. */
async function removeCaches(folders: readonly string[]): Promise<void> {
  const roots = cacheDir("lab-root");
  if (folders.includes(roots)) {
    await withFileLock(join(roots, "lock"), { waitMs: 0 }, () => rm(roots, { recursive: true, force: true }));
  }
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
}

async function stop(hierarchies: Hierarchies, purge: boolean, update: (detail: string) => void): Promise<void> {
  const state = await readState();
  const network = state?.network;
  // First of all: from here on commands must not take the lab for being up.
  await removePointer();
  if (network !== undefined && !purge) {
    const running = Object.entries(state!.machines).filter(([, { init }]) => isAlive(init));
    if (running.length > 0) update(`stopping ${running.map(([name]) => name).join(", ")} and their guests`);
    await Promise.all(running.map(([name, { init }]) => stopMachine(network, { name, init }, hierarchies, 90_000)));
  }
  update("ending processes");
  await clearGroups(hierarchies, layout.lab);
  await removeInterface();
  await rm(layout.state, { force: true });
  await rm(`${layout.dir}/log`, { recursive: true, force: true });
}

/** What only a lab uses. */
const labCaches = ["lab-root", "apt"];
/** Every folder that Olympus makes in its cache. By name: the cache may be a folder that holds other things too. */
const allCaches = [...labCaches, "archives", "compile", "harness", "images", "rehearsal", "tools"];

function cacheFolders(names: readonly string[]): string[] {
  return names.map((name) => cacheDir(name)).filter((folder) => existsSync(folder));
}

async function findAll(hierarchies: Hierarchies, purge: boolean, caches: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  const state = await readState();
  const machines = Object.entries(state?.machines ?? {}).filter(([, { init }]) => isAlive(init));
  if (machines.length > 0) found.push(`machines: ${machines.map(([name]) => name).join(", ")}`);
  const pids = await groupPids(hierarchies, layout.lab);
  if (pids.length > 0) found.push(`${pids.length} processes with their namespaces and mounts`);
  if ((await labsWithGroups(hierarchies)).includes(layout.lab)) found.push(`control groups olympus-lab/${layout.lab}`);
  const link = await ownInterface();
  if (link !== undefined) found.push(`interface ${link}`);
  if (await pointsHere()) found.push(`pointer ${layout.pointer}`);
  if (state !== undefined) found.push(`state ${layout.state}`);
  if (!purge) return found;
  if (existsSync(layout.dir)) found.push(`${layout.dir} (disks of machines and guests, secrets, state)`);
  return [...found, ...caches.map((folder) => `cache ${folder}`)];
}

async function ownInterface(): Promise<string | undefined> {
  return (await readLinks()).find(({ ifalias }) => ifalias === ownAlias())?.ifname;
}

/** The interface goes with the gateway's namespace, a moment after its last process; one that stays is deleted. */
async function removeInterface(): Promise<void> {
  const gone = await waitFor(async () => ((await ownInterface()) === undefined ? true : undefined), 3_000, 50);
  if (gone) return;
  const name = await ownInterface();
  if (name === undefined) return;
  const { code, stderr } = await tryRun("ip", ["link", "delete", "dev", name]);
  if (code !== 0 && !stderr.includes("Cannot find device")) {
    throw new OlympusError(`cannot delete interface ${name}: ${stderr.trim()}`, {
      code: "E-LAB-COMMAND",
      hint: `ip -d link show dev ${name} shows what holds it; the same command again goes on`,
    });
  }
}

async function pointsHere(): Promise<boolean> {
  return existsSync(layout.pointer) && (await readFile(layout.pointer, "utf8")).trim() === layout.team;
}

async function removePointer(): Promise<void> {
  if (await pointsHere()) await rm(layout.pointer, { force: true });
}

async function removeEmpty(folder: string): Promise<void> {
  if (existsSync(folder) && (await readdir(folder)).length === 0) await rmdir(folder);
}
