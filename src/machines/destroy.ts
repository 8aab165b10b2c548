import type { SecretStore } from "../../secrets/store.ts";
import { asOlympusError, messageOf, OlympusError } from "../base/errors.ts";
import type { Reporter } from "../base/report.ts";
import { removeVolume } from "../libvirt/domain.ts";
import { readInventory } from "../libvirt/inventory.ts";
import { virsh } from "../libvirt/virsh.ts";
import { connectSsh } from "../ssh/connect.ts";
import { createQueue } from "../ssh/queue.ts";
import type { LoadedTeam, NamedHypervisor } from "../team/model.ts";
import { openSession } from "./driver/session.ts";
import { sshTargetOf } from "./find.ts";
import { removeLeftovers } from "./leftovers.ts";
import { dataVolume, isDisposable, teamPrefix } from "./names.ts";
import { stateOwner } from "./owner.ts";
import { refuseForeign } from "./preflight.ts";
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

/** The team's data disks on a hypervisor. Throws as `connectSsh`, and E-LIBVIRT: what is not known must not look like nothing. */
export async function dataDisksOn(common: Common, hypervisor: NamedHypervisor): Promise<DataDisk[]> {
  const { team, secrets, signal } = common;
  const connection = await connectSsh(sshTargetOf(team, secrets, hypervisor.name), signal);
  try {
    const table = await virsh(connection, ["vol-list", hypervisor.pool, "--details"]);
    return parseDataDisks(team.name, hypervisor.name, table);
  } finally {
    connection.close();
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

/**
 * Removes the machines of one stack, in order, and what a killed run left of them beside the state; data disks stay. Errors are part of
 * the outcome, E-FOREIGN among them: a machine that another state made is still there.
 */
export async function destroyOn(options: DestroyOptions): Promise<StackOutcome> {
  const { hypervisor, machines, signal } = options;
  const outcome = await runStack({ ...options, hypervisor: hypervisor.name, action: "destroy", machines });
  if (outcome.error !== undefined) return outcome;
  try {
    return { ...outcome, changed: outcome.changed + (await removeUnknown(options)) };
  } catch (error) {
    signal.throwIfAborted();
    return { ...outcome, error: asOlympusError(error, hypervisor.name) };
  }
}

/** Removes what is left of the machines on the hypervisor, which no state knows by now. Gives how much it was. Throws E-FOREIGN. */
async function removeUnknown(options: DestroyOptions): Promise<number> {
  const { team, secrets, hypervisor, reporter, signal, machines = team.machines.map(({ name }) => name) } = options;
  const connection = await connectSsh(sshTargetOf(team, secrets, hypervisor.name), signal);
  try {
    const prefix = teamPrefix(team.name);
    const inventory = await readInventory(connection, { pool: hypervisor.pool, bridge: hypervisor.bridge, prefix });
    const stems = machines.map((machine) => `${prefix}${machine}`);
    const domains = inventory.domains.filter(({ name }) => stems.includes(name));
    refuseForeign(hypervisor.name, domains, stateOwner(team.name, openSession(options).env.PULUMI_BACKEND_URL));
    const volumes = inventory.volumes.filter(
      (volume) => isDisposable(team.name, volume) && stems.some((stem) => volume.startsWith(`${stem}.`)),
    );
    const leftovers = { domains: domains.map(({ name }) => name), volumes };
    const tell = (what: string): void => reporter.warn(`${hypervisor.name}: ${what}`);
    const kept = await removeLeftovers(connection, hypervisor.pool, leftovers, tell);
    return domains.length + volumes.length - kept.size;
  } finally {
    connection.close();
  }
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
          hint: `Is its machine still running? npx olympus destroy ${disk.machine}`,
          cause: error,
        });
      }
    }
  } finally {
    connection.close();
  }
}
