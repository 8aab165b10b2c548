import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { exitCodes, OlympusError } from "./errors.ts";
import { identify, isAlive, type ProcessId } from "./process.ts";

/** Whoever holds a lock, as far as the file tells. */
export interface Holder extends ProcessId {
  readonly command?: string;
  /** ms since 1970 */
  readonly since?: number;
}

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long to wait for a living holder, ms; for ever unless given. */
  readonly waitMs?: number;
  /** Told once, when there is somebody to be waited for. */
  readonly waiting?: (holder: number) => void;
}

/**
 * Runs `work` while holding `file`, which names the holder's process and its start: after a kill and a reboot, or in a container,
 * its number may be another's, even ours. Waits for a living holder (E-LOCKED, exit 75, when that takes too long), takes over from a
 * dead one. Makes the file's folder. Rejects with the signal's reason.
 */
export async function withFileLock<T>(file: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const { signal, waitMs = Number.POSITIVE_INFINITY } = options;
  const deadline = Date.now() + waitMs;
  await mkdir(dirname(file), { recursive: true });
  let told = false;
  while (!(await take(file))) {
    const holder = await holderOf(file);
    if (holder !== undefined && !isAlive(holder)) await clear(file);
    else {
      if (holder !== undefined && !told && waitMs > 0) {
        told = true;
        options.waiting?.(holder.pid);
      }
      if (Date.now() >= deadline) throw lockedError(file, holder);
      await wait(50, undefined, signal === undefined ? {} : { signal });
    }
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

/** Linked to its name with the holder already in it: whoever finds the lock can tell whose it is. */
async function take(file: string): Promise<boolean> {
  const mine = besides(file);
  const handle = await open(mine, "wx", 0o600);
  try {
    await handle.writeFile(JSON.stringify({ ...identify(process.pid), command: commandHere(), since: Date.now() }));
    await handle.close();
    await link(mine, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(mine, { force: true });
  }
}

/** Takes a dead holder's lock away, and gives it back when another process had been quicker and holds it by now. */
async function clear(file: string): Promise<void> {
  const taken = besides(file);
  try {
    await rename(file, taken);
    if (isAlive(await holderOf(taken))) await link(taken, file);
  } catch (error) {
    if (!["ENOENT", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  } finally {
    await rm(taken, { force: true });
  }
}

/** What was cut off by a crash names nobody, and nobody is dead. */
const nobody: Holder = { pid: 0, started: "" };

async function holderOf(file: string): Promise<Holder | undefined> {
  try {
    const { pid, started, ...told } = JSON.parse(await readFile(file, "utf8")) as Partial<Holder>;
    return pid === undefined || started === undefined ? nobody : { pid, started, ...told };
  } catch (error) {
    if (error instanceof SyntaxError) return nobody;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function besides(file: string): string {
  return `${file}.${process.pid}.${randomBytes(3).toString("hex")}`;
}

/** `olympus lab up`: the words that name a command, not what it was given. Undefined in other programs. */
function commandHere(): string | undefined {
  const [, program = "", ...words] = process.argv;
  if (!program.endsWith("src/cli/main.ts")) return undefined;
  const given = words.findIndex((word) => !/^[a-z]+$/.test(word));
  return ["olympus", ...words.slice(0, Math.min(2, given === -1 ? 2 : given))].join(" ");
}

/** `olympus quickstart (process 4711, since 19:03:11)` */
export function describeHolder({ pid, command = "another command", since }: Holder): string {
  const time = since === undefined ? "" : `, since ${new Date(since).toTimeString().slice(0, 8)}`;
  return `${command} (process ${pid}${time})`;
}

/** Who holds the file now, for those who only look; undefined when nobody does. */
export async function lockHolder(file: string): Promise<Holder | undefined> {
  const holder = await holderOf(file);
  return isAlive(holder) ? holder : undefined;
}

/** Throws E-LOCKED while somebody holds the file. */
export async function mustBeFree(file: string): Promise<void> {
  const holder = await lockHolder(file);
  if (holder !== undefined) throw lockedError(file, holder);
}

function lockedError(file: string, holder: Holder | undefined): OlympusError {
  const who = holder === undefined ? "another command" : describeHolder(holder);
  return new OlympusError(`${who} is at work here`, {
    code: "E-LOCKED",
    exit: exitCodes.locked,
    where: file,
    hint: "Wait for its end, or end it (Ctrl-C there, or kill with that number), and run the same command again.",
  });
}
