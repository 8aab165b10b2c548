/**
 * Opens the harness's sandbox and runs the scripts named on the command line in it, as a model would; prints what came of each and
 * what it left on the machine. Run by Node on a kernel of one's own (own-kernel.ts).
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Machine } from "../../src/harness/egress/clients.ts";
import { openEgress } from "../../src/harness/egress/egress.ts";
import { silentLog } from "../../src/harness/log.ts";
import type { CommandResult } from "../../src/harness/sandbox/command.ts";
import { freeSpace, removeTree } from "../../src/harness/sandbox/disk.ts";
import { openSandbox } from "../../src/harness/sandbox/sandbox.ts";
import { Unavailable } from "../../src/harness/sandbox/unavailable.ts";
import { makeAuthority, makeServerCertificate } from "./certificates.ts";
import { diskProbes, type Probe, probes } from "./sandbox-probes.ts";

export interface ProbeResult extends Omit<CommandResult, "output"> {
  readonly name: string;
  readonly text: string;
  readonly bytes: number;
  /** What is there now and was not before: processes, control groups, mounts, files, shared memory. */
  readonly left: readonly string[];
  /** MB that the harness's process has more. */
  readonly grewMb: number;
  /** Targets that the way out refused. */
  readonly refused: readonly string[];
  /** MiB that the disk has left when it is over. */
  readonly freeMb: number;
}

export type Printed = { readonly unavailable: string } | ProbeResult;

const data = process.env.DATA!;
const print = (line: Printed) => process.stdout.write(`@@${JSON.stringify(line)}\n`);
const never = new AbortController().signal;

// What the harness has on a machine and no command may see.
writeFileSync(join(data, "harness.sqlite"), "canary-database");

// Serves whatever name it is asked for, as a content network does. One name of it is on the list, by the configuration of clients.
const answer: RequestListener = (request, response) => response.end(`the web server saw ${request.url}\n`);
const { key, certificate: cert } = makeServerCertificate(makeAuthority("lab"), ["10.99.0.1"], ["mirror.example"]);
const web = [
  { server: createServer(answer), port: 8080 },
  { server: createTlsServer({ key, cert }, answer), port: 8443 },
];
for (const { server, port } of web) await new Promise<void>((resolve) => server.listen(port, "10.99.0.1", resolve));
const clients: Machine = {
  ask: async (program) => (program === "npm" ? "https://mirror.example:8443/" : undefined),
  read: async () => "deb http://mirror.example:8080/debian stable main",
  list: async () => [],
};

const refused: string[] = [];
const noted = (_: string, target: string) => refused.push(target);
const egress = await openEgress(["10.99.0.1:8080", "npm", "debian"], silentLog, noted, clients);
try {
  const limits = { memory: 256, processes: 64, cpus: 1 };
  const sandbox = await openSandbox({
    root: join(data, "workspaces"),
    limits,
    disk: 64,
    output: 16,
    toolchains: ["/mnt/project/docs"],
    path: [],
    environment: egress.environment,
    serve: egress.serve,
  });
  const names = process.argv.slice(2);
  const chosen =
    names.length === 0
      ? Object.entries(probes)
      : Object.entries({ ...probes, ...diskProbes }).filter(([name]) => names.includes(name));
  const run = await sandbox.open("run");
  // Once before anything is counted: what Node itself opens with its first command is not a command's.
  await run.run("true", 60, never);
  for (const [name, probe] of chosen) {
    const before = machine();
    const rss = process.memoryUsage.rss();
    refused.length = 0;
    const { output, ...result } = await attempt(probe, name);
    const grewMb = Math.round((process.memoryUsage.rss() - rss) / 1e5) / 10;
    const left = machine().filter((one) => !before.includes(one));
    const freeMb = (await freeSpace(data)).bytes / 2 ** 20;
    print({ name, ...result, text: output.text, bytes: output.bytes, left, grewMb, refused: [...refused], freeMb });
  }
  await run.close();
  await removeTree(run.workspace.folder);

  async function attempt(probe: Probe, name: string): Promise<CommandResult> {
    if (probe.ahead !== undefined) await makeAhead(probe.ahead);
    const { stopAfter } = probe;
    const signal =
      stopAfter === undefined ? never : stopAfter === 0 ? AbortSignal.abort() : AbortSignal.timeout(stopAfter);
    if (probe.cpus !== undefined) {
      // What a command gets is read when its group is made.
      limits.cpus = probe.cpus;
      const slow = await sandbox.open("slow");
      try {
        return await slow.run(probe.script, 60, signal);
      } finally {
        await slow.close();
        limits.cpus = 1;
      }
    }
    if (probe.elsewhere === undefined) return run.run(probe.script, probe.seconds ?? 300, signal);
    // Another run of the same agent works at the same time.
    const other = await sandbox.open(`other-${name}`);
    try {
      const background = other.run(probe.elsewhere, 60, AbortSignal.timeout(8_000));
      const result = await run.run(probe.script, probe.seconds ?? 300, signal);
      await background;
      return result;
    } finally {
      await other.close();
    }
  }

  /** Makes a sandbox that waits for a command, and maybe ends it. */
  async function makeAhead(end: NonNullable<Probe["ahead"]>): Promise<void> {
    const its = end === "closed" ? await sandbox.open("ahead") : run;
    its.prepare();
    // bubblewrap outside and inside.
    while ((await sandbox.population()) < 2) await pause(10);
    if (end === "killed") for (const pid of waiting()) process.kill(pid, "SIGKILL");
    if (end === "closed") await its.close();
    while (end !== "used" && (await sandbox.population()) > 0) await pause(10);
    // This one may come before the harness is told of the kill, and be lost with it; none after it.
    if (end === "killed") await run.run("true", 60, never);
  }
} catch (error) {
  if (!(error instanceof Unavailable)) throw error;
  print({ unavailable: error.message });
}
for (const { server } of web) {
  server.close();
  server.closeAllConnections();
}

/** Where the groups of commands are: beside the leaf that this process is in. */
function commands(): string {
  const own = /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))![1]!;
  return join("/sys/fs/cgroup", own, "../commands");
}

/** Processes in the groups of commands. */
function waiting(): number[] {
  return readdirSync(commands(), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) =>
      readFileSync(join(commands(), name, "cgroup.procs"), "utf8")
        .trim()
        .split("\n")
        .map(Number),
    );
}

/** Everything on the machine that a command could leave behind. */
function machine(): string[] {
  const own = String(process.pid);
  const processes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && name !== own)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        // Without a command line: a thread of the kernel.
        return command === "" ? [] : [`process ${pid} ${command}`];
      } catch {
        // Ended meanwhile.
        return [];
      }
    });
  const groups = readdirSync(commands(), { withFileTypes: true });
  return [
    ...processes,
    ...groups.filter((entry) => entry.isDirectory()).map(({ name }) => `group ${name}`),
    ...readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .map((line) => `mount ${line}`),
    ...["/mnt", "/run", data].flatMap((folder) => readdirSync(folder).map((name) => `file ${folder}/${name}`)),
    ...["shm", "sem", "msg"].flatMap((kind) => {
      try {
        return readFileSync(`/proc/sysvipc/${kind}`, "utf8")
          .split("\n")
          .slice(1)
          .map((line) => `ipc ${line.trim()}`);
      } catch {
        // A kernel without System V IPC.
        return [];
      }
    }),
  ];
}
