import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { findHierarchies, groupPids, type Hierarchies } from "./cgroups.ts";
import { layout } from "./layout.ts";
import { isAlive } from "./processes.ts";
import type { ServicesSettings } from "./services.ts";
import { readState } from "./state.ts";

export interface LabMachineStatus {
  readonly name: string;
  readonly address: string;
  readonly running: boolean;
  /** Processes in it, guests included. */
  readonly processes: number;
  /** QEMU processes. */
  readonly guests: number;
  /** MiB in use, page cache included; undefined where the host does not count. */
  readonly memory: number | undefined;
}

export interface LabStatus {
  /** Everything runs that `lab up` started. */
  readonly up: boolean;
  /** `lab up` was cut off; run it again, or `lab down`. */
  readonly unfinished: boolean;
  /** Absolute path of the working copy of the team file. */
  readonly team: string;
  readonly network: { readonly cidr: string; readonly gateway: string; readonly hostAddress: string } | undefined;
  readonly machines: readonly LabMachineStatus[];
  /** Ports on 127.0.0.1 -> address and port in the lab; empty when nothing forwards them. */
  readonly publish: Readonly<Record<string, string>>;
}

/** How this project's lab is. Changes nothing, needs no root. */
export async function labStatus(): Promise<LabStatus> {
  const state = await readState();
  const base = { team: layout.team, unfinished: state?.unfinished ?? false };
  if (state === undefined || !isAlive(state.network?.holder)) {
    return { ...base, up: false, network: undefined, machines: [], publish: {} };
  }
  const hierarchies = findHierarchies();
  const machines = await Promise.all(
    Object.entries(state.machines).map(async ([name, { address, init }]): Promise<LabMachineStatus> => {
      const pids = await groupPids(hierarchies, layout.lab, name);
      const guests = (await Promise.all(pids.map(isGuest))).filter(Boolean).length;
      const memory = await memoryOf(hierarchies, name);
      return { name, address, running: isAlive(init), processes: pids.length, guests, memory };
    }),
  );
  const services = isAlive(state.services?.process);
  const settings = services ? (JSON.parse(state.services!.settings) as ServicesSettings) : undefined;
  const { cidr, gateway, hostAddress } = state.network;
  return {
    ...base,
    up: !state.unfinished && services && machines.every((machine) => machine.running),
    network: { cidr, gateway, hostAddress },
    machines,
    publish: settings?.publish ?? {},
  };
}

async function isGuest(pid: number): Promise<boolean> {
  try {
    return (await readFile(`/proc/${pid}/comm`, "utf8")).startsWith("qemu-system");
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return false; // Ended meanwhile.
    throw error;
  }
}

async function memoryOf(hierarchies: Hierarchies, machine: string): Promise<number | undefined> {
  const folder = hierarchies.version === 1 ? hierarchies.controllers.memory : hierarchies.main;
  if (folder === undefined) return undefined;
  const name = hierarchies.version === 1 ? "memory.usage_in_bytes" : "memory.current";
  try {
    const bytes = await readFile(join(folder, "olympus-lab", layout.lab, machine, name), "utf8");
    return Math.round(Number(bytes) / 2 ** 20);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
