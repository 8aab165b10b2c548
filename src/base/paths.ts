import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder that holds package.json. */
export const projectRoot: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Per-user cache: tools, images, package downloads. Safe to delete; everything in it can be made again. */
export function cacheDir(...parts: string[]): string {
  const base = process.env.OLYMPUS_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "olympus");
  return join(base, ...parts);
}

/** `.olympus` in the project: everything that this computer keeps about teams and labs. */
export function stateRoot(...parts: string[]): string {
  return join(process.env.OLYMPUS_STATE ?? join(projectRoot, ".olympus"), ...parts);
}

/** State, logs and working copies of one team. Not safe to delete while its machines exist. */
export function stateDir(team: string, ...parts: string[]): string {
  return stateRoot(team, ...parts);
}

/** Where Pulumi keeps what it knows of a team's machines, unless OLYMPUS_PULUMI_BACKEND says otherwise. */
export function ownBackend(team: string): string {
  return `file://${stateDir(team, "pulumi")}`;
}

/** Everything of this project's lab, the state of its team too, which is removed with it. */
export const labDir = (): string => stateDir("lab");

/** The lab's team file: a working copy. */
export const labTeamFile = (): string => join(labDir(), "team.yaml");

/** Names the team file that commands use while a lab is up. */
export const teamPointer = (): string => stateRoot("current-team");

/**
 * Short-lived private files (keys while a command runs), on tmpfs where the system has one for this user. 0700, made by whoever writes.
 * Another user's place, which `su` leaves in the environment, is passed over: he could put links there, and take folders away.
 */
export function runtimeDir(...parts: string[]): string {
  const uid = process.getuid?.() ?? 0;
  const given = process.env.XDG_RUNTIME_DIR;
  const system = uid === 0 ? "/run" : `/run/user/${uid}`;
  if (given && (ownerOf(given) ?? uid) === uid) return join(given, "olympus", ...parts);
  return join(ownerOf(system) === uid ? system : join(homedir(), ".cache"), "olympus", ...parts);
}

/** The user id of a folder's owner; undefined when it is not there. */
function ownerOf(folder: string): number | undefined {
  return statSync(folder, { throwIfNoEntry: false })?.uid;
}

/** What the short-lived files of one team are kept under: teams of two team files may have the same name. */
export function runtimeName(team: string, file: string): string {
  return `${team}-${createHash("sha256").update(file).digest("hex").slice(0, 12)}`;
}
