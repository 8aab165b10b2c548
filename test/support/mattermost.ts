/**
 * A real Mattermost on a real PostgreSQL, both on 127.0.0.1, both gone with the process that started them. For every contract test:
 *
 *   const server = await startMattermost();      // about 3 s: empty server, no account
 *   server.url                                   // http://127.0.0.1:<port>
 *   await server.restart();                      // same port, same data, about 1 s
 *   await server.kill(); await server.start();   // a crash, and the start after it
 *   await server.stop();                         // ends both and removes the folder
 *
 * The first account made over its API is the system administrator: `bootstrap` does that.
 * The server comes from the toolchain (`olympus toolchain`), or from the folder in OLYMPUS_MATTERMOST.
 */
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mattermostSettings } from "../../roles/mattermost/settings.ts";
import { type PostgresServer, startPostgres } from "./postgres.ts";
import { freePort, startService, stopService, untilReady } from "./processes.ts";

export interface MattermostServer {
  readonly url: string;
  readonly port: number;
  /** The server's log, one JSON object a line. */
  log(): string;
  /** Orderly stop and start. Ready when it returns. */
  restart(): Promise<void>;
  /** SIGKILL, as in a crash. PostgreSQL goes on. */
  kill(): Promise<void>;
  /** Starts it again after `kill`. Ready when it returns. */
  start(): Promise<void>;
  /** Carries commands out in its database, past it. */
  sql(commands: string): Promise<void>;
  /** Ends everything and removes its folder. */
  stop(): Promise<void>;
}

const prefix = "olympus-mattermost-";

/** Starts PostgreSQL and an empty Mattermost. `settings` are further MM_* variables; it listens on a free port of 127.0.0.1 unless `listen` says more. */
export async function startMattermost(
  settings: Readonly<Record<string, string>> = {},
  listen: { readonly host?: string; readonly port?: number } = {},
): Promise<MattermostServer> {
  const program = await serverFolder();
  removeLeftovers();
  const folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  let postgres: PostgresServer | undefined;
  let child: ChildProcess | undefined;
  try {
    const database = await startPostgres(join(folder, "postgres"));
    postgres = database;
    const port = listen.port ?? (await freePort());
    const address = `${listen.host ?? "127.0.0.1"}:${port}`;
    const log = join(folder, "mattermost.log");
    const data = join(folder, "mattermost");
    for (const name of ["files", "plugins", "client-plugins"]) mkdirSync(join(data, name), { recursive: true });
    for (const name of ["i18n", "templates", "fonts"]) symlinkSync(join(program, name), join(data, name));
    const url = `http://${address}`;
    const env = {
      ...mattermostSettings({ siteUrl: url, listen: address, data }),
      // Stopping in order waits up to 15 s for the workers of background jobs, which no test needs.
      MM_JOBSETTINGS_RUNJOBS: "false",
      MM_JOBSETTINGS_RUNSCHEDULER: "false",
      MM_SQLSETTINGS_DATASOURCE: await database.createDatabase("mattermost"),
      ...settings,
    };

    const start = async (): Promise<void> => {
      child = startService(join(program, "bin", "mattermost"), ["server"], { cwd: data, log, env });
      try {
        await untilReady(child, () => answers(url), 240_000);
      } catch (error) {
        throw new Error(`Mattermost: ${String(error)}\n${readFileSync(log, "utf8").slice(-3_000)}`);
      }
    };
    const end = async (signal: NodeJS.Signals): Promise<void> => {
      if (child !== undefined) await stopService(child, signal, 15_000);
      child = undefined;
    };
    await start();
    return {
      url,
      port,
      log: () => readFileSync(log, "utf8"),
      start,
      kill: () => end("SIGKILL"),
      sql: (commands) => database.sql("mattermost", commands),
      async restart() {
        await end("SIGTERM");
        await start();
      },
      async stop() {
        await end("SIGKILL");
        await postgres?.stop();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    if (child !== undefined) await stopService(child, "SIGKILL");
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/api/v4/system/ping`, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    // Not listening yet.
    return false;
  }
}

async function serverFolder(): Promise<string> {
  const given = process.env.OLYMPUS_MATTERMOST;
  if (given) return given;
  const { toolchain } = await import("../../src/toolchain/index.ts");
  return toolchain().mattermost;
}

/** Removes folders of test runs that were killed. Their processes went with them. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(prefix)) continue;
    const pid = name.slice(prefix.length).split("-")[0];
    if (!existsSync(`/proc/${pid}`)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}
