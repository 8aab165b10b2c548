import { asOlympusError, OlympusError } from "../base/errors.ts";
import { virsh } from "../libvirt/virsh.ts";
import { connectSsh } from "../ssh/connect.ts";
import { growthOf, type MachineChange } from "./changes.ts";
import type { Growth } from "./data-disks.ts";
import { sshTargetOf } from "./find.ts";
import { namesOf } from "./names.ts";
import { findHypervisor } from "./spec.ts";
import type { MachineFailure, StandingOptions } from "./standing.ts";

/** The place of the data disk in a domain: after root and seed. */
const device = "vdc";

/**
 * Makes data disks of standing machines larger, and the file systems on them: those in `growing`, and of `behind` the file system alone,
 * where an earlier run did not come that far. Gives what was done and what would not.
 */
export async function growDataDisks(
  options: StandingOptions,
  growing: readonly Growth[],
  behind: readonly string[],
): Promise<{ changes: MachineChange[]; failures: MachineFailure[] }> {
  const changes: MachineChange[] = [];
  const failures: MachineFailure[] = [];
  const rest = behind.filter((name) => !growing.some(({ machine }) => machine.name === name));
  const work = [
    ...growing.map((growth) => ({
      change: growthOf(growth.machine.name, growth.from, growth.machine.data),
      grow: () => growDisk(options, growth),
    })),
    ...rest.map((machine) => ({
      change: { machine, kind: "update", detail: "the file system follows its data disk" } as const,
      grow: async () => undefined,
    })),
  ];
  for (const { change, grow } of work) {
    options.onProgress?.(`${change.machine}: growing its data disk`);
    try {
      await grow();
      await growFileSystem(options, change.machine);
      changes.push(change);
    } catch (error) {
      options.signal.throwIfAborted();
      failures.push({ machine: change.machine, error: asOlympusError(error, change.machine) });
    }
  }
  return { changes, failures };
}

async function growDisk({ team, secrets, hypervisor, signal }: StandingOptions, { machine }: Growth): Promise<void> {
  const { pool } = findHypervisor(team, hypervisor)!;
  const connection = await connectSsh(sshTargetOf(team, secrets, hypervisor), signal);
  try {
    const { domain } = namesOf(team.name, machine.name, "", "");
    await virsh(connection, ["blockresize", domain, device, `${machine.data}MiB`]);
    // What libvirt says of the volume follows the file.
    await virsh(connection, ["pool-refresh", pool]);
  } finally {
    connection.close();
  }
}

async function growFileSystem({ team, secrets, signal }: StandingOptions, machine: string): Promise<void> {
  const guest = await connectSsh(sshTargetOf(team, secrets, machine), signal);
  try {
    const { code, stderr } = await guest.exec('sudo resize2fs -- "$(findmnt -no SOURCE /srv/olympus)"', {
      timeoutMs: 600_000,
    });
    if (code === 0) return;
    throw new OlympusError(`the data disk of ${machine} grew, its file system did not: ${stderr.trim()}`, {
      code: "E-DATA-GROW",
      where: machine,
      hint: `npx olympus up tries it again each time; or have it done at the machine's start: npx olympus restart ${machine}`,
    });
  } finally {
    guest.close();
  }
}
