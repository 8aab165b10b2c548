import { existsSync } from "node:fs";
import { readdir, readFile, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OlympusError } from "../base/errors.ts";
import { type Holder, lockHolder, mustBeFree, withFileLock } from "../base/lock.ts";
import { cacheDir, runtimeDir, runtimeName } from "../base/paths.ts";
import { plural } from "../base/plural.ts";
import { type Reporter, withStep } from "../base/report.ts";
import { leaveCache, othersOnCache } from "./cache-users.ts";
import { clearGroups, findHierarchies, groupPids, type Hierarchies, labsWithGroups } from "./cgroups.ts";
import { layout } from "./layout.ts";
import { ownAlias, readLinks } from "./links.ts";
import { stopMachine } from "./machine.ts";
import { requireRoot } from "./preflight.ts";
import { isAlive, waitFor } from "./processes.ts";
import { tryRun } from "./sh.ts";
import { readState } from "./state.ts";

export interface LabDownOptions {
  /** Also removes the machines' disks, the lab's secrets and state, and, unless another lab stands on them, the caches of roots and packages. */
  readonly purge?: boolean;
  /** With `purge`: also all that was built or downloaded, such as tools and images. */
  readonly cache?: boolean;
  /** Only tells what would be removed. */
  readonly dryRun?: boolean;
  readonly reporter: Reporter;
}

export interface LabDownResult {
  /** What is removed, or was, a line each: `machines: r420, r720xd`. */
  readonly removed: readonly string[];
  /** Other labs that stand, or stood then, on this cache, which was left alone for that. */
  readonly keptFor: readonly string[];
  /** Commands that are at work on the lab, for a dry run; otherwise there are none. */
  readonly atWork: readonly Holder[];
}

/**
 * Takes the lab down, whatever state it is in, also one that was cut off while going up or down. Machines are stopped
 * orderly, unless all they hold is purged anyway. Gives what was removed; nothing when nothing was left. Throws E-LOCKED, but for a
 * dry run, while another command makes or changes the lab.
 */
export async function labDown({
  purge = false,
  cache = false,
  dryRun = false,
  reporter,
}: LabDownOptions): Promise<LabDownResult> {
  const hierarchies = findHierarchies();
  const keptFor = purge ? await othersOnCache() : [];
  const folders = purge && keptFor.length === 0 ? cacheFolders(cache ? allCaches : labCaches) : [];
  // By themselves they are no find: this very command makes the cache of compiled code, at its start, and who stands on the cache is a note.
  const beside = folders.filter((folder) => folder === cacheDir("compile") || folder === cacheDir("labs"));
  const alone = await findAll(
    hierarchies,
    purge,
    folders.filter((folder) => !beside.includes(folder)),
  );
  const found = alone.length === 0 ? [] : [...alone, ...beside.map(cacheLine)];
  if (dryRun) return { removed: found, keptFor, atWork: await commandsAtWork() };
  await mustBeFree(layout.quickstart);
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
          // Of one that was killed.
          await rm(layout.quickstart, { force: true });
          for (const folder of await privateFolders()) await rm(folder, { recursive: true, force: true });
          await removeEmptyRuntime();
        }
        return { value: undefined, summary: `${plural(found.length, "thing")} removed` };
      }),
    );
  }
  // All that is left there: nobody's ground.
  else await removeCaches(folders);
  if (purge) await removeEmpty(dirname(layout.dir));
  if (cache) await removeEmpty(cacheDir());
  return { removed: found, keptFor, atWork: [] };
}

/** Commands that make, or change, this lab right now: a quickstart, `lab up` and the like. */
export async function commandsAtWork(): Promise<Holder[]> {
  const holders = await Promise.all([layout.quickstart, layout.lock].map(lockHolder));
  return holders.filter((holder) => holder !== undefined);
}

/** Short-lived files of the lab's team outside of its folder: the passphrase that `olympus env` wrote, what stacks used. */
async function privateFolders(): Promise<string[]> {
  const ours = runtimeName("", layout.team);
  const found = ["passphrases", "stacks"].map(async (kind) => {
    const names = await namesIn(runtimeDir(kind));
    return names.filter((name) => name.endsWith(ours)).map((name) => runtimeDir(kind, name));
  });
  return (await Promise.all(found)).flat();
}

async function removeEmptyRuntime(): Promise<void> {
  for (const name of await namesIn(runtimeDir())) await removeEmpty(runtimeDir(name));
  await removeEmpty(runtimeDir());
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
  await leaveCache(layout.lab);
  await removeInterface();
  await rm(layout.state, { force: true });
  await rm(`${layout.dir}/log`, { recursive: true, force: true });
}

/** What only a lab uses. */
const labCaches = ["lab-root", "apt", "labs"];
/** Every folder that Olympus, its measurements and its tests make in the cache. By name: the cache may be a folder that holds other things too. */
export const allCaches: readonly string[] = [
  ...labCaches,
  ...["archives", "bench-peers", "compile", "downloads", "forge", "harness", "images", "npm", "rehearsal"],
  ...["test-tools", "tools"],
];

function cacheFolders(names: readonly string[]): string[] {
  return names.map((name) => cacheDir(name)).filter((folder) => existsSync(folder));
}

async function findAll(hierarchies: Hierarchies, purge: boolean, caches: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  const state = await readState();
  const machines = Object.entries(state?.machines ?? {}).filter(([, { init }]) => isAlive(init));
  if (machines.length > 0) found.push(`machines: ${machines.map(([name]) => name).join(", ")}`);
  const pids = await groupPids(hierarchies, layout.lab);
  if (pids.length > 0) found.push(`${plural(pids.length, "process", "processes")} with their namespaces and mounts`);
  if ((await labsWithGroups(hierarchies)).includes(layout.lab)) found.push(`control groups olympus-lab/${layout.lab}`);
  const link = await ownInterface();
  if (link !== undefined) found.push(`interface ${link}`);
  if (await pointsHere()) found.push(`pointer ${layout.pointer}`);
  if (state !== undefined) found.push(`state ${layout.state}`);
  if (!purge) return found;
  if (existsSync(layout.dir)) found.push(`${layout.dir} (disks of machines and guests, secrets, state)`);
  for (const folder of await privateFolders()) found.push(`${folder} (private files of the lab's team)`);
  return [...found, ...caches.map(cacheLine)];
}

const cacheLine = (folder: string): string => `cache ${folder}`;

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

async function namesIn(folder: string): Promise<string[]> {
  return existsSync(folder) ? readdir(folder) : [];
}

/** Another command may fill it, or remove it, in this moment. */
async function removeEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    if (!["ENOENT", "ENOTEMPTY", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
