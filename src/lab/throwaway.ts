import { mkdtemp, rm } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { OlympusError } from "../base/errors.ts";
import { withFileLock } from "../base/lock.ts";
import { runtimeDir } from "../base/paths.ts";
import { silentReporter } from "../base/report.ts";
import { leaveCache } from "./cache-users.ts";
import { clearGroups, findHierarchies, labsWithGroups } from "./cgroups.ts";
import { type LabMachine, startMachine, stopMachine } from "./machine.ts";
import { startNetwork } from "./network.ts";
import { identify } from "./processes.ts";
import { ensureRoots } from "./root.ts";
import { run } from "./sh.ts";

export interface ThrowawayOptions {
  /** Public key lines that may log in. */
  readonly authorizedKeys: readonly string[];
  /** Login with sudo NOPASSWD; `operator` unless given. */
  readonly user?: string;
  /** MiB per machine; 2048 unless given. */
  readonly memory?: number;
  readonly signal?: AbortSignal;
}

/** Lab machines for one test, in a network of their own with a way out; nothing of them survives `close` or the test's process. */
export interface Throwaway {
  /** `10.231.7.0/24` */
  readonly cidr: string;
  readonly gateway: string;
  /** This computer's address in the network. */
  readonly hostAddress: string;
  /** Starts a machine (again: with what it wrote before). Addresses are given in order unless one is named. */
  start(name: string, address?: string): Promise<LabMachine>;
  /** Stops it like a power cut, or orderly within `graceMs`. */
  stop(name: string, graceMs?: number): Promise<void>;
  close(): Promise<void>;
}

/** Opens a network for throwaway machines on the first free subnet of 10.231.0.0/16. Needs root. */
export async function openThrowaway(options: ThrowawayOptions): Promise<Throwaway> {
  const hierarchies = findHierarchies();
  const roots = await ensureRoots({ reporter: silentReporter(), ...(options.signal && { signal: options.signal }) });
  const { dir, network } = await withFileLock(runtimeDir("throwaway.lock"), { waitMs: 60_000 }, async () => {
    await sweep();
    const n = await freeSubnet();
    const dir = await mkdtemp(join(tmpdir(), "olympus-throwaway-"));
    const lab = `throwaway-${n}-${process.pid}`;
    return {
      dir,
      network: await startNetwork(
        {
          lab,
          cidr: `10.231.${n}.0/24`,
          gateway: `10.231.${n}.1`,
          hostAddress: `10.231.${n}.254`,
          hostInterface: `olyt${n}`,
          dir,
          endsWithUs: true,
        },
        hierarchies,
      ),
    };
  });
  const running = new Map<string, LabMachine>();
  const addresses = new Map<string, string>();
  return {
    cidr: network.cidr,
    gateway: network.gateway,
    hostAddress: network.hostAddress,
    async start(name, address) {
      if (!addresses.has(name))
        addresses.set(name, address ?? network.gateway.replace(/\d+$/, String(10 + addresses.size)));
      const machine = await startMachine(
        network,
        {
          name,
          address: addresses.get(name)!,
          roots: roots.plain,
          dir: join(dir, name),
          user: options.user ?? "operator",
          authorizedKeys: options.authorizedKeys,
          memory: options.memory ?? 2048,
        },
        hierarchies,
        options.signal,
      );
      running.set(name, machine);
      return machine;
    },
    async stop(name, graceMs = 0) {
      const machine = running.get(name);
      if (machine === undefined) return;
      running.delete(name);
      await stopMachine(network, machine, hierarchies, graceMs);
    },
    async close() {
      await clearGroups(hierarchies, network.lab);
      await leaveCache(network.lab);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Machines with these names for the length of `use`. */
export async function withLabMachines<T>(
  names: readonly string[],
  options: ThrowawayOptions,
  use: (machines: readonly LabMachine[], lab: Throwaway) => Promise<T>,
): Promise<T> {
  const lab = await openThrowaway(options);
  try {
    return await use(await Promise.all(names.map((name) => lab.start(name))), lab);
  } finally {
    await lab.close();
  }
}

/** Groups of tests that were killed: their processes ended with them, the empty folders stay. */
async function sweep(): Promise<void> {
  const hierarchies = findHierarchies();
  for (const lab of await labsWithGroups(hierarchies)) {
    const owner = /^throwaway-\d+-(\d+)$/.exec(lab)?.[1];
    if (owner === undefined || identify(Number(owner)) !== undefined) continue;
    await clearGroups(hierarchies, lab);
    await leaveCache(lab);
  }
}

async function freeSubnet(): Promise<number> {
  const interfaces = networkInterfaces();
  const routes = await run("ip", ["-4", "route", "show", "table", "all"]);
  for (let n = 1; n < 255; n += 1) {
    if (interfaces[`olyt${n}`] === undefined && !routes.includes(`10.231.${n}.`)) return n;
  }
  throw new OlympusError("no subnet of 10.231.0.0/16 is free", {
    code: "E-LAB-NETWORK",
    hint: "ip route shows who uses them",
  });
}
