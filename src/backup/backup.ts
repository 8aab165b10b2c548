import type { SecretStore } from "../../secrets/store.ts";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { quote } from "../base/quote.ts";
import { maskSecrets } from "../base/secret.ts";
import { createRootShell } from "../converge/root-shell.ts";
import { targetOf } from "../converge/target.ts";
import { connectSsh } from "../ssh/connect.ts";
import type { SshConnection, SshTarget } from "../ssh/connection.ts";
import { type Host, listHosts } from "../team/hosts.ts";
import type { LoadedTeam } from "../team/model.ts";
import { mustKnow } from "../team/unknown.ts";

export interface BackupContext {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  readonly signal: AbortSignal;
  /** Told of each line that the host prints. */
  readonly onLine?: (line: string) => void;
  readonly connect?: (target: SshTarget, signal: AbortSignal) => Promise<SshConnection>;
}

/** Hosts whose team file sends their backups somewhere. */
export function hostsWithBackups(team: LoadedTeam): Host[] {
  return listHosts(team).filter(({ roles }) => roles.backup?.to !== undefined);
}

/** One backup where it is kept. Size in bytes, encrypted. */
export interface KeptBackup {
  readonly name: string;
  readonly size: number;
}

/** Backups of a host, oldest first. Throws E-BACKUP, and what connecting throws. */
export async function listBackups(context: BackupContext, name: string): Promise<KeptBackup[]> {
  const lines = await onHost(context, name, ["list"]);
  return lines.map((line) => {
    const [backup = "", size = "0"] = line.split(" ");
    return { name: backup, size: Number(size) };
  });
}

/** When the newest backup of a host was made, and the newest one that was verified; undefined for never. */
export interface BackupAge {
  readonly made: Date | undefined;
  readonly verified: Date | undefined;
}

/** What the host has noted of them, which it says at once, or not at all: it throws E-SSH-TIMEOUT after 30 s. */
export async function backupAge(context: BackupContext, name: string): Promise<BackupAge> {
  const lines = await onHost(context, name, ["status"], { timeoutMs: 30_000 });
  const at = (what: string): Date | undefined => {
    const seconds = lines.find((line) => line.startsWith(`${what} `))?.split(" ")[1];
    return seconds === undefined ? undefined : new Date(Number(seconds) * 1000);
  };
  return { made: at("made"), verified: at("verified") };
}

/** Pure: what is wrong with a host's backups at `now`; undefined when the last verified one is young enough. */
export function backupProblem({ made, verified }: BackupAge, maxAgeDays: number, now: number): string | undefined {
  const days = (at: Date): string => `${((now - at.getTime()) / 86_400_000).toFixed(1)} days`;
  if (verified === undefined) return made === undefined ? "no backup was made yet" : "no backup was verified yet";
  if (now - verified.getTime() <= maxAgeDays * 86_400_000) return undefined;
  return `the last verified backup is ${days(verified)} old`;
}

/** Makes a backup now, verifies one, or brings one back; gives the name that it was about. Throws E-BACKUP with what the host said. */
export async function runBackup(
  context: BackupContext,
  name: string,
  what: "now" | "verify" | "restore",
  backup?: string,
): Promise<string> {
  const lines = await onHost(context, name, backup === undefined ? [what] : [what, backup]);
  return lines.at(-1)?.split(" ").at(-1) ?? "";
}

/**
 * Which of these age identities open the backups of a host that are kept, or the one that is named: by its name the places in the list.
 * Only the beginning of each is fetched; one that does not arrive is opened by none. Throws as `listBackups`.
 */
export async function whichOpen(
  context: BackupContext,
  name: string,
  identities: readonly string[],
  backup?: string,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const stdin = identities.map((line) => `${line}\n`).join("");
  const lines = await onHost(context, name, backup === undefined ? ["opens"] : ["opens", backup], { stdin });
  return new Map(
    lines.map((line) => {
      const [kept = "", ...places] = line.split(" ");
      return [kept, places.map((place) => Number(place) - 1)];
    }),
  );
}

async function onHost(
  { team, secrets, signal, onLine, connect = connectSsh }: BackupContext,
  name: string,
  words: readonly string[],
  options: { readonly timeoutMs?: number; readonly stdin?: string } = {},
): Promise<string[]> {
  const hosts = hostsWithBackups(team);
  mustKnow(
    "host with backups",
    name,
    hosts.map((host) => host.name),
    team.file,
  );
  const host = hosts.find((one) => one.name === name)!;
  const connection = await connect(targetOf(host, team, secrets), signal);
  try {
    const reader = onLine === undefined ? undefined : lineReader(onLine);
    const shell = createRootShell(connection, secrets.get(`sudo.${name}`));
    const { code, stdout, stderr } = await shell.run(
      `-c ${quote(`exec /opt/olympus/backup/backup ${words.join(" ")}`)}`,
      {
        signal,
        ...options,
        ...(reader && { onStdout: reader }),
      },
    );
    if (code === 0) return stdout.split("\n").filter((line) => line !== "");
    const said = maskSecrets(`${stdout}${stderr}`.trim(), secrets.all());
    throw new OlympusError(`${name}: backup ${words.join(" ")} failed: ${said.split("\n").slice(-10).join("\n")}`, {
      code: code === 75 ? "E-LOCKED" : "E-BACKUP",
      exit: code === 75 ? exitCodes.locked : exitCodes.failed,
      where: name,
      hint: /not found|No such file/.test(said)
        ? `npx olympus role setup backup --host ${name}`
        : `npx olympus logs ${name} --unit olympus-backup`,
    });
  } finally {
    connection.close();
  }
}

function lineReader(onLine: (line: string) => void): (chunk: Buffer) => void {
  let rest = "";
  return (chunk) => {
    const parts = (rest + chunk.toString()).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) onLine(line);
  };
}
