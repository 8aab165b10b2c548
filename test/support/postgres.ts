import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { accepts, freePort, startService, stopService, untilReady } from "./processes.ts";

const run = promisify(execFile);

export interface PostgresServer {
  readonly port: number;
  /** Makes a role and a database of that name; gives a connection address for it. */
  createDatabase(name: string): Promise<string>;
  /** Carries commands out in a database, as the server's administrator. */
  sql(database: string, commands: string): Promise<void>;
  stop(): Promise<void>;
}

/** A throwaway PostgreSQL in `folder`, from Debian's packages, without any care for durability. Root runs it as user postgres. */
export async function startPostgres(folder: string): Promise<PostgresServer> {
  const bin = programs();
  const user = process.getuid?.() === 0 ? "postgres" : undefined;
  mkdirSync(folder, { recursive: true });
  if (user !== undefined) {
    const { uid, gid } = accountOf(user);
    chownSync(folder, uid, gid);
    // The folder of the test is private; the other account has to get through it.
    await run("chmod", ["711", dirname(folder)]);
  }
  const data = join(folder, "data");
  const as = user === undefined ? [] : ["--reuid", user, "--regid", user, "--clear-groups"];
  await run(
    "setpriv",
    [
      ...as,
      "--",
      join(bin, "initdb"),
      "-D",
      data,
      "-U",
      "postgres",
      "-A",
      "trust",
      "-E",
      "UTF8",
      "--locale=C.UTF-8",
    ].concat("--no-sync", "--no-instructions"),
    { cwd: folder },
  );
  const port = await freePort();
  const fast = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "max_connections=100"];
  const settings = [`port=${port}`, "listen_addresses=127.0.0.1", `unix_socket_directories=${folder}`, ...fast];
  const log = join(dirname(folder), "postgres.log");
  const args = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])];
  const child = startService(join(bin, "postgres"), args, {
    cwd: folder,
    log,
    ...(user === undefined ? {} : { user }),
  });
  const psql = (sql: string, database = "postgres"): Promise<unknown> =>
    run(
      join(bin, "psql"),
      ["-h", "127.0.0.1", "-p", String(port), "-U", "postgres", "-d", database, "-X", "-q", "-c", sql],
      { cwd: "/" },
    );
  try {
    // It accepts connections a little before it takes commands.
    const takesCommands = () =>
      psql("SELECT 1").then(
        () => true,
        () => false,
      );
    await untilReady(child, async () => (await accepts(port)) && takesCommands(), 180_000);
  } catch (error) {
    throw new Error(`PostgreSQL: ${String(error)}\n${readFileSync(log, "utf8").slice(-2_000)}`);
  }
  return {
    port,
    async createDatabase(name) {
      const password = randomBytes(12).toString("hex");
      await psql(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'`);
      await psql(`CREATE DATABASE ${name} OWNER ${name}`);
      return `postgres://${name}:${password}@127.0.0.1:${port}/${name}?sslmode=disable&connect_timeout=10`;
    },
    async sql(database, commands) {
      await psql(commands, database);
    },
    // Immediate: nobody needs this data again.
    stop: () => stopService(child, "SIGQUIT"),
  };
}

function programs(): string {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root).map(Number).filter(Number.isInteger) : [];
  if (versions.length === 0) throw new Error("PostgreSQL is missing: apt-get install postgresql");
  return join(root, String(Math.max(...versions)), "bin");
}

function accountOf(name: string): { uid: number; gid: number } {
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = (line ?? "").split(":").map(Number);
  if (uid === undefined || gid === undefined) throw new Error(`no account ${name}`);
  return { uid, gid };
}
