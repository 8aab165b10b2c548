import { readdirSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exitCodes, OlympusError } from "../../base/errors.ts";

/** A lock as Pulumi's file backend writes it. */
export interface StackLock {
  readonly pid: number;
  readonly username: string;
  readonly hostname: string;
  readonly timestamp: string;
}

/** What can be known about a lock's owner from here. */
export type Liveness = "alive" | "dead" | "unknown";

/** Pure: `comm` is the name of the process with that pid on this computer, undefined when there is none. */
export function livenessOf(lock: StackLock, here: string, comm: string | undefined): Liveness {
  if (lock.hostname !== here) return "unknown";
  // Another program may have got the number since.
  return comm?.startsWith("pulumi") ? "alive" : "dead";
}

/** E-LOCKED (exit 75), naming who holds the stack and since when. */
function lockedError(stack: string, lock: StackLock | undefined): OlympusError {
  const who =
    lock === undefined
      ? "somebody"
      : `${lock.username}@${lock.hostname} (process ${lock.pid}) since ${lock.timestamp.replace(/\.\d+/, "")}`;
  return new OlympusError(`${stack} is being worked on by ${who}`, {
    code: "E-LOCKED",
    exit: exitCodes.locked,
    where: stack,
    hint: `Wait for it. If it is dead: eval "$(npx olympus env)" && pulumi cancel -s ${stack}`,
  });
}

/** E-LOCKED where Pulumi says that the stack is locked; undefined for anything else that it says. */
export function lockedIn(said: string, stack: string): OlympusError | undefined {
  if (!/currently locked by/.test(said)) return undefined;
  const [, username, hostname, pid, timestamp] = /created by (\S+)@(\S+) \(pid (\d+)\) at (\S+)/.exec(said) ?? [];
  const named = username !== undefined && hostname !== undefined && timestamp !== undefined;
  return lockedError(stack, named ? { username, hostname, pid: Number(pid), timestamp } : undefined);
}

/**
 * Removes locks of a stack whose process on this computer is gone (kill -9, power cut), and gives them.
 * Throws E-LOCKED for one that may be in use. Only file backends are looked at; others tell by themselves.
 */
export function clearDeadLocks(backend: string, project: string, stack: string): StackLock[] {
  if (!backend.startsWith("file://")) return [];
  const folder = join(fileURLToPath(backend), ".pulumi/locks/organization", project, stack);
  const cleared: StackLock[] = [];
  for (const name of listFolder(folder)) {
    const file = join(folder, name);
    const lock = readLockFile(file);
    if (lock === undefined) continue;
    if (livenessOf(lock, hostname(), processName(lock.pid)) !== "dead") throw lockedError(stack, lock);
    rmSync(file, { force: true });
    rmSync(`${file}.attrs`, { force: true });
    cleared.push(lock);
  }
  return cleared;
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function readLockFile(file: string): StackLock | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as StackLock;
  } catch (error) {
    // Gone since the listing: its owner has just finished.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    // Half written: whoever writes it is alive, or died doing so; Pulumi itself refuses then.
    return undefined;
  }
}

/** A process that has ended and that nobody has waited for (its parent was killed with it) holds nothing any more. */
function processName(pid: number): string | undefined {
  try {
    const [, name, state] = /^\d+ \((.*)\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    return state === "Z" || state === "X" ? undefined : name;
  } catch {
    // No such process.
    return undefined;
  }
}
