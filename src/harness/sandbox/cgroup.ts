import { constants } from "node:fs";
import { access, mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Unavailable } from "./unavailable.ts";

/** What one command, or all of them together, may take. */
export interface GroupLimits {
  /** MiB. */
  readonly memory: number;
  /** Processes and threads. */
  readonly processes: number;
  /** Processors, fractions allowed. */
  readonly cpus: number;
}

/** What a group's processes ran into. */
export interface GroupEvents {
  readonly outOfMemory: boolean;
  readonly outOfProcesses: boolean;
}

/** A control group of one command. */
export interface Group {
  /** Whoever writes 0 into it belongs to the group, with all its children to come. */
  readonly procsFile: string;
  events(): Promise<GroupEvents>;
  /** Ends every process in it, also those that left their process group or session, and removes it. Returns when all are gone. */
  clear(): Promise<void>;
}

export interface Delegation {
  /** Makes a group for one command; `name` must be unused. */
  make(name: string, limits: GroupLimits): Promise<Group>;
  /** Processes in all groups of commands: none between commands. */
  population(): Promise<number>;
}

/** Without these a command could take the whole machine. */
export const neededControllers = ["cpu", "memory", "pids"] as const;

/**
 * Takes the control group that this process was started in (systemd's `Delegate=yes`) apart: the process moves to a leaf of its own,
 * `harness`, so that no limit and no kill of a command touches it; commands go under `commands`, whose limits hold for all together.
 * Throws `Unavailable` where there is no control group version 2, or none that is ours.
 */
export async function takeDelegation(
  total: GroupLimits,
  needed: readonly string[] = neededControllers,
): Promise<Delegation> {
  const unit = await ownGroup();
  const controllers = (await readFile(join(unit, "cgroup.controllers"), "utf8")).trim().split(" ");
  const missing = needed.filter((name) => !controllers.includes(name));
  if (missing.length > 0) {
    throw new Unavailable(
      `control groups version 2 lack ${missing.join(", ")} here (a machine with version 1, or a unit without Delegate=yes)`,
    );
  }
  const commands = join(unit, "commands");
  try {
    await access(unit, constants.W_OK);
    await makeFolder(join(unit, "harness"));
    await writeFile(join(unit, "harness", "cgroup.procs"), String(process.pid));
    await enable(unit, needed);
    await makeFolder(commands);
    for (const left of await folders(commands)) await clear(join(commands, left));
    await enable(commands, needed);
    await limit(commands, total);
    // What people wait for goes before what works for minutes.
    await write(join(unit, "harness", "cpu.weight"), "1000");
  } catch (cause) {
    throw new Unavailable(`the control group ${unit} is not delegated to this user: ${(cause as Error).message}`);
  }
  return {
    async make(name, limits) {
      const folder = join(commands, name);
      await mkdir(folder);
      try {
        await limit(folder, limits);
        await write(join(folder, "memory.oom.group"), "1");
      } catch (error) {
        await clear(folder);
        throw error;
      }
      return {
        procsFile: join(folder, "cgroup.procs"),
        events: () => events(folder),
        clear: () => clear(folder),
      };
    },
    async population() {
      const counts = await Promise.all((await folders(commands)).map((name) => processes(join(commands, name))));
      return counts.reduce((sum, count) => sum + count, 0);
    },
  };
}

/** The folder of the group that this process was given. */
async function ownGroup(): Promise<string> {
  const [groups, mounts] = await Promise.all([
    readFile("/proc/self/cgroup", "utf8"),
    readFile("/proc/self/mountinfo", "utf8"),
  ]);
  const path = /^0::(\/.*)$/m.exec(groups)?.[1];
  const mount = mounts
    .split("\n")
    .map((line) => line.split(" "))
    .find((fields) => fields[fields.indexOf("-") + 1] === "cgroup2");
  if (path === undefined || mount === undefined) throw new Unavailable("this machine has no control groups version 2");
  const inside = relative(mount[3]!, path);
  if (inside.startsWith("..")) throw new Unavailable("the process's control group is not visible to it");
  const own = join(mount[4]!, inside);
  // After a start that failed half-way.
  return own.endsWith("/harness") ? dirname(own) : own;
}

async function enable(folder: string, controllers: readonly string[]): Promise<void> {
  if (controllers.length > 0)
    await writeFile(join(folder, "cgroup.subtree_control"), controllers.map((name) => `+${name}`).join(" "));
}

async function limit(folder: string, { memory, processes, cpus }: GroupLimits): Promise<void> {
  await Promise.all([
    write(join(folder, "memory.max"), String(memory * 1024 * 1024)),
    write(join(folder, "memory.swap.max"), "0"),
    write(join(folder, "pids.max"), String(processes)),
    write(join(folder, "cpu.max"), `${Math.round(cpus * 100_000)} 100000`),
  ]);
}

/** Files of controllers that were not asked for are not there. */
async function write(file: string, value: string): Promise<void> {
  try {
    await writeFile(file, value, { flag: constants.O_WRONLY });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
}

async function folders(folder: string): Promise<string[]> {
  return (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

async function processes(folder: string): Promise<number> {
  return (await readFile(join(folder, "cgroup.procs"), "utf8")).split("\n").length - 1;
}

async function events(folder: string): Promise<GroupEvents> {
  const count = async (file: string, key: string) => {
    const text = await readFile(join(folder, file), "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "";
      throw error;
    });
    return Number(new RegExp(`^${key} (\\d+)`, "m").exec(text)?.[1] ?? 0);
  };
  const [oom, pids] = await Promise.all([count("memory.events", "oom_kill"), count("pids.events", "max")]);
  return { outOfMemory: oom > 0, outOfProcesses: pids > 0 };
}

/** How long processes that were killed may take to end: one that waits for a dead disk cannot be waited for without a bound. */
const endsWithinMs = 30_000;

async function clear(folder: string): Promise<void> {
  await writeFile(join(folder, "cgroup.kill"), "1");
  const until = Date.now() + endsWithinMs;
  for (let wait = 0; ; wait = Math.min(wait + 1, 50)) {
    try {
      return await rmdir(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EBUSY" || Date.now() > until) throw error;
    }
    await pause(wait);
  }
}
