import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { identify, readPids, signalProcess, waitFor } from "./processes.ts";

/** Limits of one machine. */
export interface Limits {
  /** MiB, page cache included. */
  readonly memory: number;
  /** Processes and threads. */
  readonly pids: number;
  /** Device nodes that may be opened beside the harmless ones: `c 10:200 rwm`. */
  readonly devices?: readonly string[];
}

/** null, zero, full, random, urandom, tty, ptmx, pts. Making nodes is allowed (services do), opening others is not. */
const plainDevices = ["c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm"].concat([
  "c 5:0 rwm",
  "c 5:2 rwm",
  "c 136:* rwm",
]);

/**
 * The host's control group hierarchies. Every process of a lab lives under `olympus-lab/<lab>/<machine>`,
 * which is how all of them are found again after a crash of ours.
 */
export interface Hierarchies {
  readonly version: 1 | 2;
  /** Mount point of the hierarchy that systemd uses, and so the one that lists our processes. */
  readonly main: string;
  /** Mount points by controller, version 1 only. */
  readonly controllers: Readonly<Record<string, string>>;
}

/** Reads /proc/mounts. Throws when the host has no control groups that a machine could use. */
export function findHierarchies(mounts: string = readFileSync("/proc/mounts", "utf8")): Hierarchies {
  const controllers: Record<string, string> = {};
  let unified: string | undefined;
  for (const line of mounts.split("\n")) {
    const [, target, type, options = ""] = line.split(" ");
    if (target === undefined) continue;
    if (type === "cgroup2") unified ??= target;
    if (type !== "cgroup") continue;
    for (const option of options.split(",")) controllers[option.replace(/^name=/, "")] ??= target;
  }
  // A hybrid host keeps its controllers in version 1; a pure one has only the unified hierarchy.
  if (controllers.systemd !== undefined && controllers.memory !== undefined) {
    const names = ["cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids"];
    const known = Object.fromEntries(
      names.filter((name) => controllers[name]).map((name) => [name, controllers[name]!]),
    );
    return { version: 1, main: controllers.systemd, controllers: known };
  }
  return { version: 2, main: unified ?? "/sys/fs/cgroup", controllers: {} };
}

const parent = "olympus-lab";

/** The `cgroup.procs` files of one machine's groups. */
export function groupFiles(h: Hierarchies, lab: string, machine: string): string[] {
  return [...new Set([h.main, ...Object.values(h.controllers)])].map((root) =>
    join(root, parent, lab, machine, "cgroup.procs"),
  );
}

/** Makes the groups of one machine with their limits. Gives the `cgroup.procs` files that its first process must write itself into. */
export async function makeGroups(h: Hierarchies, lab: string, machine: string, limits: Limits): Promise<string[]> {
  const path = (root: string): string => join(root, parent, lab, machine);
  if (h.version === 2) {
    // Controllers are handed down one level at a time.
    for (const folder of [h.main, join(h.main, parent), join(h.main, parent, lab)]) {
      await mkdir(folder, { recursive: true });
      const wanted = readFileSync(join(folder, "cgroup.controllers"), "utf8").trim().split(" ");
      const given = wanted.filter((name) => ["cpu", "io", "memory", "pids", "cpuset"].includes(name));
      if (given.length > 0) {
        await writeFile(join(folder, "cgroup.subtree_control"), given.map((name) => `+${name}`).join(" "));
      }
    }
    await mkdir(path(h.main), { recursive: true });
    await setIfThere(join(path(h.main), "memory.max"), String(limits.memory * 1024 * 1024));
    await setIfThere(join(path(h.main), "pids.max"), String(limits.pids));
    return [join(path(h.main), "cgroup.procs")];
  }
  const folders = [h.main, ...new Set(Object.values(h.controllers))].map(path);
  for (const folder of folders) await mkdir(folder, { recursive: true });
  const { memory, pids, devices, cpuset } = h.controllers;
  if (memory) {
    // Without hierarchy, groups that the machine makes inside would escape its limit.
    await setIfThere(join(path(memory), "memory.limit_in_bytes"), String(limits.memory * 1024 * 1024));
  }
  if (pids) await setIfThere(join(path(pids), "pids.max"), String(limits.pids));
  if (cpuset) {
    // A new cpuset is empty and takes no process until it has processors and memory nodes.
    for (const name of ["cpuset.cpus", "cpuset.mems"]) {
      const all = readFileSync(join(cpuset, name), "utf8");
      for (const folder of [join(cpuset, parent), join(cpuset, parent, lab), path(cpuset)]) {
        await setIfThere(join(folder, name), all);
      }
    }
  }
  if (devices) {
    await setIfThere(join(path(devices), "devices.deny"), "a");
    for (const rule of [...plainDevices, ...(limits.devices ?? [])]) {
      await setIfThere(join(path(devices), "devices.allow"), rule);
    }
  }
  return folders.map((folder) => join(folder, "cgroup.procs"));
}

async function setIfThere(file: string, value: string): Promise<void> {
  if (existsSync(file)) await writeFile(file, value);
}

/** Every process of a lab, or of one machine of it, however it was started. */
export async function groupPids(h: Hierarchies, lab: string, machine?: string): Promise<number[]> {
  const top = join(h.main, parent, lab, ...(machine === undefined ? [] : [machine]));
  const pids: number[] = [];
  for (const folder of await foldersUnder(top)) pids.push(...(await readPids(join(folder, "cgroup.procs"))));
  return pids;
}

/** Labs that have groups on this host, running or not. */
export async function labsWithGroups(h: Hierarchies): Promise<string[]> {
  const labs = new Set<string>();
  for (const root of [h.main, ...Object.values(h.controllers)]) {
    const top = join(root, parent);
    if (!existsSync(top)) continue;
    for (const entry of await readdir(top, { withFileTypes: true })) if (entry.isDirectory()) labs.add(entry.name);
  }
  return [...labs];
}

/** Ends every process of a lab or machine at once and removes its groups. Gives how many processes were ended. Removing nothing is fine. */
export async function clearGroups(h: Hierarchies, lab: string, machine?: string): Promise<number> {
  const ended = new Set<number>();
  const empty = await waitFor(async () => {
    const pids = await groupPids(h, lab, machine);
    for (const pid of pids) {
      ended.add(pid);
      signalProcess(identify(pid), "SIGKILL");
    }
    return pids.length === 0 ? true : undefined;
  }, 15_000);
  if (empty === undefined) throw new Error(`processes of ${lab} do not end: ${[...ended].join(" ")}`);
  for (const root of new Set([h.main, ...Object.values(h.controllers)])) {
    const top = join(root, parent, lab, ...(machine === undefined ? [] : [machine]));
    for (const folder of (await foldersUnder(top)).reverse()) await removeGroup(folder);
    // The shared parents go with the last machine and the last lab.
    if (machine !== undefined) await removeIfEmpty(join(root, parent, lab));
    await removeIfEmpty(join(root, parent));
  }
  return ended.size;
}

async function removeGroup(folder: string): Promise<void> {
  // A group stays busy for a moment after its last process was reaped.
  const gone = await waitFor(async () => ((await removeIfEmpty(folder)) ? true : undefined), 5_000);
  if (gone === undefined) throw new Error(`the control group ${folder} stays busy`);
}

/** Whether the folder is gone afterwards. */
async function removeIfEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return true;
    if (code === "EBUSY" || code === "ENOTEMPTY") return false;
    throw error;
  }
}

/** A folder and all folders under it, parents first. */
async function foldersUnder(top: string): Promise<string[]> {
  if (!existsSync(top)) return [];
  const found = [top];
  for (const folder of found) {
    try {
      for (const entry of await readdir(folder, { withFileTypes: true })) {
        if (entry.isDirectory()) found.push(join(folder, entry.name));
      }
    } catch (error) {
      // Groups come and go while a machine is ending.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return found;
}
