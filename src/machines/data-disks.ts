import type { SecretStore } from "../../secrets/store.ts";
import { asOlympusError, exitCodes, OlympusError } from "../base/errors.ts";
import { domainState } from "../libvirt/domain.ts";
import { tryVirsh, virsh } from "../libvirt/virsh.ts";
import { connectSsh } from "../ssh/connect.ts";
import type { SshConnection } from "../ssh/connection.ts";
import type { LoadedTeam, Machine } from "../team/model.ts";
import { sshTargetOf } from "./find.ts";
import { dataVolume, namesOf } from "./names.ts";
import { findHypervisor } from "./spec.ts";

export interface GrowOptions {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  readonly hypervisors: readonly string[];
  readonly onProgress?: (what: string) => void;
  readonly signal?: AbortSignal;
}

/** The place of the data disk in a domain: after root and seed. */
const device = "vdc";
const mebibyte = 1024 * 1024;

/**
 * Brings data disks to the size of the team file where they are smaller, while the machine runs: volume, disk, file
 * system. A team file that asks for less is refused by E-DATA-SHRINK; nothing is done to that disk.
 */
export async function growDataDisks(options: GrowOptions): Promise<{ changed: number; errors: OlympusError[] }> {
  const results = await Promise.all(
    options.hypervisors.map((hypervisor) =>
      growOn(options, hypervisor).catch((error: unknown) => {
        options.signal?.throwIfAborted();
        return { changed: 0, errors: [asOlympusError(error, hypervisor)] };
      }),
    ),
  );
  return {
    changed: results.reduce((sum, { changed }) => sum + changed, 0),
    errors: results.flatMap(({ errors }) => errors),
  };
}

async function growOn(options: GrowOptions, name: string): Promise<{ changed: number; errors: OlympusError[] }> {
  const { team, secrets, signal } = options;
  const hypervisor = findHypervisor(team, name);
  const machines = team.machines.filter((machine) => machine.hypervisor === name);
  const outcome = { changed: 0, errors: [] as OlympusError[] };
  if (hypervisor === undefined || machines.length === 0) return outcome;
  const connection = await connectSsh(sshTargetOf(team, secrets, hypervisor.name), signal);
  try {
    const sizes = await volumeSizes(
      connection,
      hypervisor.pool,
      machines.map((machine) => dataVolume(team.name, machine.name)),
    );
    for (const machine of machines) {
      const size = sizes.get(dataVolume(team.name, machine.name));
      if (size === undefined || size === machine.data * mebibyte) continue;
      if (size > machine.data * mebibyte) outcome.errors.push(shrinkError(team, machine, size));
      else {
        options.onProgress?.(`${machine.name}: growing its data disk`);
        try {
          await grow(options, connection, hypervisor.pool, machine);
          outcome.changed += 1;
        } catch (error) {
          signal?.throwIfAborted();
          outcome.errors.push(asOlympusError(error, machine.name));
        }
      }
    }
    return outcome;
  } finally {
    connection.close();
  }
}

/** Sizes in bytes, in one round trip. Volumes that are not there are left out. */
async function volumeSizes(
  connection: SshConnection,
  pool: string,
  volumes: readonly string[],
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  const asked = await Promise.all(
    volumes.map((volume) => tryVirsh(connection, ["vol-info", volume, "--pool", pool, "--bytes"])),
  );
  for (const [at, { code, stdout }] of asked.entries()) {
    const bytes = /^Capacity:\s+(\d+)/m.exec(stdout)?.[1];
    if (code === 0 && bytes !== undefined) sizes.set(volumes[at]!, Number(bytes));
  }
  return sizes;
}

async function grow(options: GrowOptions, connection: SshConnection, pool: string, machine: Machine): Promise<void> {
  const { team, secrets, signal } = options;
  const domain = namesOf(team.name, machine.name, "", "").domain;
  const size = `${machine.data}MiB`;
  if ((await domainState(connection, domain)) === "running") {
    await virsh(connection, ["blockresize", domain, device, size]);
    const guest = await connectSsh(sshTargetOf(team, secrets, machine.name), signal);
    try {
      const { code, stderr } = await guest.exec('sudo resize2fs -- "$(findmnt -no SOURCE /srv/olympus)"', {
        timeoutMs: 600_000,
      });
      if (code !== 0) {
        throw new OlympusError(`the data disk of ${machine.name} grew, its file system did not: ${stderr.trim()}`, {
          code: "E-DATA-GROW",
          where: machine.name,
          hint: "It grows at the next start of the machine: npx olympus restart ".concat(machine.name),
        });
      }
    } finally {
      guest.close();
    }
    // What libvirt says of the volume follows the file.
    await virsh(connection, ["pool-refresh", pool]);
  } else {
    // The file system follows at the next mount (x-systemd.growfs).
    await virsh(connection, ["vol-resize", dataVolume(team.name, machine.name), size, "--pool", pool]);
  }
}

function shrinkError(team: LoadedTeam, machine: Machine, bytes: number): OlympusError {
  return new OlympusError(
    `the data disk of ${machine.name} is ${bytes / mebibyte} MB, the team file asks for ${machine.data} MB: data disks are never made smaller`,
    {
      code: "E-DATA-SHRINK",
      exit: exitCodes.usage,
      where: team.file,
      hint: `Set the size back. To start over without the data: npx olympus destroy ${machine.hypervisor} --purge-data`,
    },
  );
}
