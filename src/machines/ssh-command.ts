import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { ownFolder } from "../base/own-folder.ts";
import { quote } from "../base/quote.ts";
import type { SshTarget } from "../ssh/connection.ts";

/**
 * Pure: words for the system's ssh, which takes nothing from the user's own configuration. One word of a command is a line for the shell
 * over there; several are words, and arrive as they are.
 */
export function sshWords(
  target: SshTarget,
  files: { readonly key: string; readonly knownHosts: string },
  command: readonly string[],
  terminal: boolean,
): string[] {
  const options = {
    IdentityFile: files.key,
    IdentitiesOnly: "yes",
    IdentityAgent: "none",
    UserKnownHostsFile: files.knownHosts,
    GlobalKnownHostsFile: "/dev/null",
    StrictHostKeyChecking: "yes",
    HostKeyAlias: aliasOf(target),
    PasswordAuthentication: "no",
    KbdInteractiveAuthentication: "no",
    UpdateHostKeys: "no",
    // Two minutes: an emulated machine under load may say nothing for one.
    ServerAliveInterval: "15",
    ServerAliveCountMax: "8",
    ConnectTimeout: "10",
    // Below, ssh would end with 255 and not a word when the other end falls silent.
    LogLevel: "INFO",
  };
  const { via } = target;
  // A ProxyJump of ssh's own would use the user's configuration and keys.
  const proxy =
    via === undefined
      ? []
      : ["-o", `ProxyCommand=${["ssh", "-W", "%h:%p", ...sshWords(via, files, [], false)].map(quote).join(" ")}`];
  const line = command.length === 1 ? [...command] : command.map(quote);
  return [
    "-F",
    "/dev/null",
    ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    ...proxy,
    "-p",
    String(target.port),
    terminal ? "-t" : "-T",
    `${target.user}@${target.address}`,
    ...(line.length === 0 ? [] : ["--", ...line]),
  ];
}

/** Under which name ssh looks a host's pinned key up: one word. */
const aliasOf = ({ name }: SshTarget): string => name.replaceAll(" ", "-");

/** Lines of a known_hosts file for a host and those that it is reached through. */
export function knownHosts(target: SshTarget): string {
  const line = `${aliasOf(target)} ${target.hostKey}\n`;
  return target.via === undefined ? line : line + knownHosts(target.via);
}

/**
 * Runs the system's ssh on this process's own terminal, input and output, and gives its exit code (255: ssh itself failed).
 * Key and host key lie in private files for that time only.
 */
export async function runSsh(target: SshTarget, command: readonly string[]): Promise<number> {
  const terminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const folder = mkdtempSync(join(ownFolder(), "ssh-"));
  try {
    const files = { key: join(folder, "id"), knownHosts: join(folder, "known_hosts") };
    writeFileSync(files.key, target.privateKey.reveal(), { mode: 0o600 });
    writeFileSync(files.knownHosts, knownHosts(target), { mode: 0o600 });
    return await new Promise<number>((resolve, reject) => {
      const child = spawn("ssh", sshWords(target, files, command, terminal), { stdio: "inherit" });
      child.on("error", (error) =>
        reject(
          new OlympusError("the program ssh cannot be started", {
            code: "E-SSH-CLIENT",
            exit: exitCodes.usage,
            hint: "Install the OpenSSH client: apt install openssh-client",
            cause: error,
          }),
        ),
      );
      child.on("close", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
