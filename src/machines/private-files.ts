import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runtimeDir, runtimeName } from "../base/paths.ts";
import { isAlive } from "../base/process.ts";
import type { SshTarget } from "../ssh/connection.ts";
import type { LoadedTeam } from "../team/model.ts";

/** Files with secrets that other programs must read while a stack is worked on: 0600 in a 0700 folder, gone afterwards. */
export interface PrivateFiles {
  readonly key: string;
  readonly knownHosts: string;
  /** Path of a seed image of that hash. Always the same for the same team file, so that nothing looks changed. */
  seedPath(hash: string): string;
}

/** Where a stack's private files lie, whether or not they are there. */
export function privateFolder(team: LoadedTeam, stack: string): string {
  return runtimeDir("stacks", runtimeName(team.name, team.file), stack);
}

/**
 * Writes key, known host and seeds for one stack, on behalf of the process `user`: the folder stays until `releasePrivateFiles` was
 * called for every process that uses it. A second run on a stack, even one that Pulumi's lock refuses, takes nothing from the first.
 */
export function writePrivateFiles(
  folder: string,
  target: SshTarget,
  seeds: readonly { readonly hash: string; readonly image: Buffer }[],
  user = process.pid,
): PrivateFiles {
  mkdirSync(usersOf(folder), { recursive: true, mode: 0o700 });
  writeFileSync(join(usersOf(folder), String(user)), "");
  const files: PrivateFiles = {
    key: join(folder, "id"),
    knownHosts: join(folder, "known_hosts"),
    seedPath: (hash) => join(folder, `${hash}.iso`),
  };
  write(files.key, target.privateKey.reveal());
  const place = target.port === 22 ? target.address : `[${target.address}]:${target.port}`;
  write(files.knownHosts, `${place} ${target.hostKey}\n`);
  for (const seed of seeds) write(files.seedPath(seed.hash), seed.image);
  return files;
}

/** Files named after the processes that use a folder; one that was killed does not count. */
const usersOf = (folder: string): string => join(folder, "users");

/** Removes the folder, unless another living process uses it. */
export function releasePrivateFiles(folder: string, user = process.pid): void {
  if (!existsSync(folder)) return;
  const users = existsSync(usersOf(folder)) ? readdirSync(usersOf(folder)) : [];
  if (users.some((other) => Number(other) !== user && isAlive(Number(other)))) {
    rmSync(join(usersOf(folder), String(user)), { force: true });
  } else {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Releases the folder when the process `user` has ended, however it ends. For a plain `pulumi`, which reads the files until its
 * last step and kills our program before that one could clean up.
 */
export function releaseWhenGone(folder: string, user: number): void {
  const script = 'tail --pid="$3" -f /dev/null; exec "$1" "$2" "$3" "$4"';
  const words = [process.execPath, join(import.meta.dirname, "release-private-files.ts"), String(user), folder];
  spawn("sh", ["-c", script, "sh", ...words], { detached: true, stdio: "ignore" }).unref();
}

/** By rename: a reader sees the old file or the new one, and the mode is right from the first byte. */
function write(file: string, content: string | Buffer): void {
  const temporary = `${file}.${process.pid}.new`;
  writeFileSync(temporary, content, { mode: 0o600 });
  renameSync(temporary, file);
}

/** libvirt's address of a hypervisor for the provider: our key, our pinned host key, nothing of the user's own. */
export function libvirtUri(target: SshTarget, files: PrivateFiles): string {
  const query = new URLSearchParams({ keyfile: files.key, knownhosts: files.knownHosts, sshauth: "privkey" });
  const port = target.port === 22 ? "" : `:${target.port}`;
  return `qemu+ssh://${target.user}@${target.address}${port}/system?${query}`;
}
