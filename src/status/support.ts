import { readFile } from "node:fs/promises";
import { cpus, freemem, release, totalmem } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import type { SecretStore } from "../../secrets/store.ts";
import { messageOf } from "../base/errors.ts";
import { projectRoot } from "../base/paths.ts";
import { quote } from "../base/quote.ts";
import { localHistory } from "../converge/history.ts";
import { createRootShell } from "../converge/root-shell.ts";
import { sshTargetOf } from "../machines/find.ts";
import { journalCommand, mainUnits } from "../machines/logs.ts";
import { connectSsh } from "../ssh/connect.ts";
import type { SshConnection, SshTarget } from "../ssh/connection.ts";
import { type Host, listHosts } from "../team/hosts.ts";
import type { LoadedTeam } from "../team/model.ts";
import { askDashboard } from "./ask-dashboard.ts";
import { redacted } from "./redact.ts";
import { teamStatus } from "./status.ts";

export interface SupportOptions {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  /** Of each journal, how far back. */
  readonly lines: number;
  readonly signal: AbortSignal;
  readonly connect?: (target: SshTarget, signal: AbortSignal) => Promise<SshConnection>;
}

const askTimeoutMs = 10_000;

/**
 * What somebody needs who is to help: versions, team file, how every host is, what it logged, what was done from here. No secret, and
 * nothing of what people and agents said to one another. What cannot be had says why; all is asked side by side.
 */
export async function supportBundle(options: SupportOptions): Promise<object> {
  const { team, secrets, signal } = options;
  const hosts = listHosts(team);
  const [text, status, agents, journals, version] = await Promise.all([
    had(() => readFile(team.file, "utf8")),
    had(() => teamStatus(team, secrets, signal)),
    each(
      team.machines.filter(({ agent }) => agent !== undefined),
      async (machine) => {
        const [state, log] = await Promise.all([
          askDashboard(machine, secrets, "/api/status", z.unknown(), signal),
          askDashboard(machine, secrets, "/api/log?level=warn", z.unknown(), signal),
        ]);
        return { status: state.answer ?? state.unreached, log: log.answer ?? log.unreached };
      },
    ),
    each(hosts, (host) => journalOf(host, options)),
    had(
      async () =>
        (JSON.parse(await readFile(join(projectRoot, "package.json"), "utf8")) as { version?: string }).version,
    ),
  ]);
  signal.throwIfAborted();
  const found = {
    version: 1,
    made: new Date().toISOString(),
    olympus: version,
    node: process.version,
    system: `${process.platform} ${process.arch} ${release()}, ${cpus().length} cores, ${gb(freemem())} of ${gb(totalmem())} GB free`,
    team: text,
    secretsSet: secrets.paths(),
    status,
    agents,
    journals,
    history: localHistory(team.name).slice(-50),
  };
  const bundle = redacted(found, secrets.all()) as typeof found;
  return {
    ...bundle,
    journals: Object.fromEntries(
      Object.entries(bundle.journals).map(([name, text]) => [name, String(text).trim().split("\n")]),
    ),
  };
}

async function journalOf(host: Host, { team, secrets, lines, signal, connect = connectSsh }: SupportOptions) {
  const target = { ...sshTargetOf(team, secrets, host.name), connectTimeoutMs: askTimeoutMs };
  const connection = await connect(target, signal);
  try {
    const command = journalCommand({ units: mainUnits(host), lines, follow: false });
    const shell = createRootShell(connection, secrets.get(`sudo.${host.name}`));
    const { stdout, stderr } = await shell.run(`-c ${quote(command)}`, { timeoutMs: 3 * askTimeoutMs, signal });
    // In one piece: a key has several lines, and only together they look like one.
    return `${stdout}${stderr}`;
  } finally {
    connection.close();
  }
}

async function had<T>(ask: () => Promise<T>): Promise<T | string> {
  return ask().catch((error: unknown) => `could not be had: ${messageOf(error)}`);
}

async function each<T extends { readonly name: string }>(all: readonly T[], ask: (one: T) => Promise<unknown>) {
  return Object.fromEntries(await Promise.all(all.map(async (one) => [one.name, await had(() => ask(one))] as const)));
}

function gb(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}
