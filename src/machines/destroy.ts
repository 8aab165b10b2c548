import type { SecretStore } from "../../secrets/store.ts";
import { messageOf, OlympusError } from "../base/errors.ts";
import type { Reporter } from "../base/report.ts";
import { removeVolume } from "../libvirt/domain.ts";
import { tryVirsh } from "../libvirt/virsh.ts";
import { connectSsh } from "../ssh/connect.ts";
import { createQueue } from "../ssh/queue.ts";
import type { LoadedTeam, NamedHypervisor } from "../team/model.ts";
import { machineUrns, openSession } from "./driver/session.ts";
import { sshTargetOf } from "./find.ts";
import { dataVolume } from "./names.ts";
import { runStack, type StackOutcome } from "./stack.ts";
import { sideBySide } from "./up.ts";

/** A data disk as its pool has it. */
export interface DataDisk {
  readonly machine: string;
  readonly hypervisor: string;
  readonly volume: string;
  /** As libvirt says it: `4.00 GiB`. */
  readonly size: string;
  /** What it takes on the hypervisor's disk. */
  readonly used: string;
}

interface Common {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  readonly signal: AbortSignal;
}

/** The team's data disks on a hypervisor. Empty when it cannot be asked: whatever is done there next says why. */
export async function dataDisksOn(common: Common, hypervisor: NamedHypervisor): Promise<DataDisk[]> {
  const { team, secrets, signal } = common;
  try {
    const connection = await connectSsh(sshTargetOf(team, secrets, hypervisor.name), signal);
    try {
      const { stdout } = await tryVirsh(connection, ["vol-list", hypervisor.pool, "--details"]);
      return parseDataDisks(team.name, hypervisor.name, stdout);
    } finally {
      connection.close();
    }
  } catch (error) {
    if (error instanceof OlympusError) return [];
    throw error;
  }
}

/** Pure: the table of `virsh vol-list --details`. */
export function parseDataDisks(team: string, hypervisor: string, table: string): DataDisk[] {
  return table.split("\n").flatMap((line) => {
    const [volume = "", , , size = "", used = ""] = line.trim().split(/\s{2,}/);
    const machine = volume.slice(`${team}.`.length, -".data.qcow2".length);
    return volume === dataVolume(team, machine) ? [{ machine, hypervisor, volume, size, used }] : [];
  });
}

export interface DestroyOptions extends Common {
  readonly hypervisor: NamedHypervisor;
  /** Only these machines; all that the stack has unless given. */
  readonly machines?: readonly string[];
  readonly reporter: Reporter;
  readonly onProgress: (what: string) => void;
}

/** Removes the machines of one stack, in order; data disks stay. Errors are part of the outcome. */
export async function destroyOn(options: DestroyOptions): Promise<StackOutcome> {
  const { team, hypervisor, machines } = options;
  const targets =
    machines === undefined ? undefined : await machineUrns(openSession(options), hypervisor.name, machines);
  if (targets?.length === 0) {
    return { hypervisor: hypervisor.name, changes: [], steps: [], changed: 0, failed: [], error: undefined };
  }
  const outcome = await runStack({
    ...options,
    team,
    hypervisor: hypervisor.name,
    action: "destroy",
    ...(targets === undefined ? {} : { targets }),
  });
  return outcome;
}

/** Several hypervisors at once. */
export async function destroyAll(all: readonly DestroyOptions[]): Promise<StackOutcome[]> {
  const queue = createQueue(sideBySide);
  return Promise.all(all.map((one) => queue(() => destroyOn(one))));
}

/** Deletes data disks for good. Throws E-PURGE when libvirt does not let one go. */
export async function purgeDisks(
  common: Common,
  hypervisor: NamedHypervisor,
  disks: readonly DataDisk[],
): Promise<void> {
  const { team, secrets, signal } = common;
  const connection = await connectSsh(sshTargetOf(team, secrets, hypervisor.name), signal);
  try {
    for (const disk of disks) {
      try {
        await removeVolume(connection, hypervisor.pool, disk.volume);
      } catch (error) {
        throw new OlympusError(`the data disk of ${disk.machine} is still there: ${messageOf(error)}`, {
          code: "E-PURGE",
          where: hypervisor.name,
          hint: `Is its machine still running? olympus destroy ${disk.machine}`,
          cause: error,
        });
      }
    }
  } finally {
    connection.close();
  }
}
