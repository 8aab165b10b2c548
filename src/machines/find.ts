import type { SecretStore } from "../../secrets/store.ts";
import { targetOf } from "../converge/target.ts";
import type { SshTarget } from "../ssh/connection.ts";
import { type Host, listHosts } from "../team/hosts.ts";
import type { LoadedTeam, Machine, NamedHypervisor } from "../team/model.ts";
import { unknownWord } from "../team/unknown.ts";
import { findHypervisor } from "./spec.ts";

/** A machine or hypervisor of the team by name. Throws E-UNKNOWN (exit 1) with the nearest name. */
export function findHost(team: LoadedTeam, name: string): Host {
  const hosts = listHosts(team);
  const host = hosts.find((one) => one.name === name);
  if (host !== undefined) return host;
  const known = hosts.map((one) => one.name);
  throw unknownWord("machine or hypervisor", name, known, { where: team.file });
}

/** A VM by name, with the hypervisor that carries it. Throws E-UNKNOWN, also for a hypervisor's name. */
export function findMachine(team: LoadedTeam, name: string): { machine: Machine; hypervisor: NamedHypervisor } {
  const machine = team.machines.find((one) => one.name === name);
  const hypervisor = machine === undefined ? undefined : findHypervisor(team, machine.hypervisor);
  if (machine !== undefined && hypervisor !== undefined) return { machine, hypervisor };
  const known = team.machines.map((one) => one.name);
  const aside = findHypervisor(team, name) === undefined ? {} : { aside: `${name} is a hypervisor.` };
  throw unknownWord("machine", name, known, { where: team.file, ...aside });
}

/** How to reach a machine or a hypervisor over SSH, host key included. Throws as `findHost` and `targetOf` do. */
export function sshTargetOf(team: LoadedTeam, secrets: SecretStore, name: string): SshTarget {
  return targetOf(findHost(team, name), team, secrets);
}
