import { type ChildProcess, spawn } from "node:child_process";
import { openSync } from "node:fs";
import { connect, createServer } from "node:net";

const given = new Set<number>();

/**
 * A port on 127.0.0.1 that nobody uses right now, each time another. Below those that the kernel gives to whoever connects somewhere:
 * nobody else gets it before it is listened on, or while its server is started again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

export interface ServiceOptions {
  readonly cwd: string;
  /** Gets stdout and stderr. */
  readonly log: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Run as this user instead (only root can). */
  readonly user?: string;
}

/** Starts a program that the kernel kills when this process ends, however it ends. */
export function startService(command: string, args: readonly string[], options: ServiceOptions): ChildProcess {
  const log = openSync(options.log, "a");
  const as = options.user === undefined ? [] : ["--reuid", options.user, "--regid", options.user, "--clear-groups"];
  return spawn("setpriv", ["--pdeathsig", "KILL", ...as, "--", command, ...args], {
    cwd: options.cwd,
    env: { PATH: process.env.PATH ?? "", LANG: "C.UTF-8", ...options.env },
    stdio: ["ignore", log, log],
  });
}

/** Asks a process to end and waits for it; after `patience` ms it is killed. */
export async function stopService(child: ChildProcess, signal: NodeJS.Signals, patience = 5_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), patience);
  await gone;
  clearTimeout(timer);
}

/** Waits until `ready` says so. Throws when the process ends first or `limit` ms pass. */
export async function untilReady(child: ChildProcess, ready: () => Promise<boolean>, limit: number): Promise<void> {
  const deadline = Date.now() + limit;
  while (!(await ready())) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error("it ended before it was ready");
    if (Date.now() > deadline) throw new Error(`not ready after ${limit} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Whether something accepts connections on a port of 127.0.0.1. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (open: boolean): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", () => end(true)).once("error", () => end(false));
  });
}
