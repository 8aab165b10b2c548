import type { SecretStore } from "../../secrets/store.ts";
import { exitCodes, messageOf, OlympusError } from "../base/errors.ts";
import type { Inventory } from "../libvirt/inventory.ts";
import { refused, tryVirsh } from "../libvirt/virsh.ts";
import { connectSsh } from "../ssh/connect.ts";
import type { SshConnection } from "../ssh/connection.ts";
import type { LoadedTeam, Machine, NamedHypervisor } from "../team/model.ts";
import { sshTargetOf } from "./find.ts";
import { dataVolume, namesOf } from "./names.ts";
import type { StateResource } from "./state.ts";

export interface DataDiskCheck {
  readonly team: LoadedTeam;
  readonly hypervisor: NamedHypervisor;
  /** To the hypervisor. */
  readonly connection: SshConnection;
  readonly inventory: Inventory;
  /** What the state of a stack knows; nothing when there is no such stack. */
  readonly stateOf: (stack: string) => Promise<readonly StateResource[]>;
  /** Which of these volumes another hypervisor has. Throws when it cannot be asked. */
  readonly volumesOn: (hypervisor: NamedHypervisor, volumes: readonly string[]) => Promise<readonly string[]>;
  readonly warn: (what: string) => unknown;
}

/** A data disk that is to grow. */
export interface Growth {
  readonly machine: Machine;
  /** In MiB, as it is. */
  readonly from: number;
}

const mebibyte = 1024 * 1024;

/**
 * Looks at the data disks of a hypervisor's machines before Pulumi does, which would forget one that is gone and make an empty one in its
 * place without a word. Changes nothing; gives the disks that are smaller than the team file wants them.
 * Throws E-DATA-GONE, E-DATA-SHRINK, E-MOVED.
 */
export async function checkDataDisks(check: DataDiskCheck): Promise<Growth[]> {
  const { team, hypervisor, connection, inventory, stateOf } = check;
  const machines = team.machines.filter((machine) => machine.hypervisor === hypervisor.name);
  const volumes = machines.map(({ name }) => dataVolume(team.name, name));
  const ask = (): Promise<Map<string, number>> => volumeSizes(connection, hypervisor.pool, volumes);
  const [state, found] = await Promise.all([stateOf(hypervisor.name), ask()]);
  const left = team.machines.find(({ name, hypervisor: on }) => on !== hypervisor.name && knows(state, team, name));
  if (left !== undefined) throw movedError(team, left, hypervisor.name);

  let sizes = found;
  const missing = (): Machine[] => machines.filter(({ name }) => !sizes.has(dataVolume(team.name, name)));
  const gone = (): Machine | undefined =>
    missing().find(
      ({ name }) =>
        knows(state, team, name) || inventory.domains.some((domain) => domain.name === domainOf(team, name)),
    );
  if (gone() !== undefined) {
    // Of a file system that was mounted a moment ago libvirt does not know yet.
    await tryVirsh(connection, ["pool-refresh", hypervisor.pool]);
    sizes = await ask();
    const lost = gone();
    if (lost !== undefined) throw goneError(team, lost, hypervisor);
  }
  const fresh = machines.filter(({ name }) => !knows(state, team, name));
  await refuseMoved(check, fresh, missing());

  return machines.flatMap((machine) => {
    const bytes = sizes.get(dataVolume(team.name, machine.name));
    if (bytes === undefined || bytes === machine.data * mebibyte) return [];
    if (bytes > machine.data * mebibyte) throw shrinkError(team, machine, bytes);
    return [{ machine, from: bytes / mebibyte }];
  });
}

/** Machines that are about to be made: none may stand on another hypervisor, or have left its data there and none here. Throws E-MOVED. */
async function refuseMoved(
  { team, hypervisor, stateOf, volumesOn, warn }: DataDiskCheck,
  fresh: readonly Machine[],
  missing: readonly Machine[],
): Promise<void> {
  if (fresh.length === 0) return;
  const others = team.hypervisors.filter(({ name }) => name !== hypervisor.name);
  const empty = fresh.filter((machine) => missing.includes(machine));
  await Promise.all(
    others.map(async (other) => {
      const state = await stateOf(other.name);
      const standing = fresh.find(({ name }) => knows(state, team, name));
      if (standing !== undefined) throw movedError(team, standing, other.name);
      if (empty.length === 0) return;
      let there: readonly string[] = [];
      try {
        there = await volumesOn(
          other,
          empty.map(({ name }) => dataVolume(team.name, name)),
        );
      } catch (error) {
        const names = empty.map(({ name }) => name).join(", ");
        await warn(`${other.name} cannot be asked whether it has an older data disk of ${names}: ${messageOf(error)}`);
      }
      const behind = empty.find(({ name }) => there.includes(dataVolume(team.name, name)));
      if (behind !== undefined) throw movedError(team, behind, other.name);
    }),
  );
}

/** `volumesOn` over SSH. */
export function askOthers(
  team: LoadedTeam,
  secrets: SecretStore,
  signal: AbortSignal | undefined,
): DataDiskCheck["volumesOn"] {
  return async (hypervisor, volumes) => {
    const connection = await connectSsh(sshTargetOf(team, secrets, hypervisor.name), signal);
    try {
      return [...(await volumeSizes(connection, hypervisor.pool, volumes)).keys()];
    } finally {
      connection.close();
    }
  };
}

const domainOf = (team: LoadedTeam, machine: string): string => namesOf(team.name, machine, "", "").domain;

/** Whether a state holds a machine or its data disk. */
function knows(state: readonly StateResource[], team: LoadedTeam, machine: string): boolean {
  const ours = [domainOf(team, machine), dataVolume(team.name, machine)];
  return state.some(({ name }) => ours.includes(name));
}

/** Sizes in bytes, in one round trip. Volumes that are not there are left out. Throws E-LIBVIRT: what is not known must not look like nothing. */
async function volumeSizes(
  connection: SshConnection,
  pool: string,
  volumes: readonly string[],
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  await Promise.all(
    volumes.map(async (volume) => {
      const words = ["vol-info", volume, "--pool", pool, "--bytes"];
      const { code, stdout, stderr } = await tryVirsh(connection, words);
      const bytes = /^Capacity:\s+(\d+)/m.exec(stdout)?.[1];
      if (code === 0 && bytes !== undefined) sizes.set(volume, Number(bytes));
      else if (!/not found|no storage vol|no such file/i.test(stderr)) throw refused(connection, words, stderr);
    }),
  );
  return sizes;
}

function goneError(team: LoadedTeam, machine: Machine, { name, pool }: NamedHypervisor): OlympusError {
  const volume = dataVolume(team.name, machine.name);
  return new OlympusError(`the data disk of ${machine.name} is gone: the pool "${pool}" of ${name} has no ${volume}`, {
    code: "E-DATA-GONE",
    where: name,
    hint: [
      `Nothing was changed. Is the file system beneath the pool mounted, and is it the pool that ${machine.name} was made in? Once the disk is back: npx olympus preview ${name}`,
      `If it is lost, copy off what ${machine.name} may still have open: npx olympus ssh ${machine.name}`,
      `Then, for a NEW, empty data disk: npx olympus destroy ${machine.name}, and npx olympus up ${name}`,
    ].join("\n"),
  });
}

function movedError(team: LoadedTeam, machine: Machine, from: string): OlympusError {
  const volume = dataVolume(team.name, machine.name);
  return new OlympusError(
    `${machine.name} is to be on ${machine.hypervisor}, but its data is on ${from}: machines do not move by themselves`,
    {
      code: "E-MOVED",
      exit: exitCodes.usage,
      where: team.file,
      hint: [
        `Nothing was changed. To leave it where it is: on: ${from}`,
        `To move it: with on: ${from}, npx olympus destroy ${machine.name}; copy ${volume} from the pool there into the one of ${machine.hypervisor}, virsh pool-refresh; then on: ${machine.hypervisor}`,
        `To begin there without the data: with on: ${from}, npx olympus destroy ${machine.name} --purge-data ${machine.name}; then on: ${machine.hypervisor}`,
        `If ${from} is gone for good: take it out of the team file`,
      ].join("\n"),
    },
  );
}

function shrinkError(team: LoadedTeam, machine: Machine, bytes: number): OlympusError {
  return new OlympusError(
    `the data disk of ${machine.name} is ${bytes / mebibyte} MB, the team file asks for ${machine.data} MB: data disks are never made smaller`,
    {
      code: "E-DATA-SHRINK",
      exit: exitCodes.usage,
      where: team.file,
      hint: `Nothing was changed. Set the size back. To start over without the data: npx olympus destroy ${machine.name} --purge-data ${machine.name}`,
    },
  );
}
