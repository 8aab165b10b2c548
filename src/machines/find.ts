import type { SecretStore } from "../../secrets/store.ts";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { targetOf } from "../converge/target.ts";
import type { SshTarget } from "../ssh/connection.ts";
import { type Host, listHosts } from "../team/hosts.ts";
import type { LoadedTeam, Machine, NamedHypervisor } from "../team/model.ts";
import { knownWords } from "../team/nearest.ts";
import { findHypervisor } from "./spec.ts";

/** A machine or hypervisor of the team by name. Throws E-UNKNOWN-HOST (exit 1) with the nearest name. */
export function findHost(team: LoadedTeam, name: string): Host {
  const hosts = listHosts(team);
  const host = hosts.find((one) => one.name === name);
  if (host !== undefined) return host;
  throw unknown(
    team,
    name,
    hosts.map((one) => one.name),
  );
}

/** A VM by name, with the hypervisor that carries it. Throws E-UNKNOWN-HOST, also for a hypervisor's name. */
export function findMachine(team: LoadedTeam, name: string): { machine: Machine; hypervisor: NamedHypervisor } {
  const machine = team.machines.find((one) => one.name === name);
  const hypervisor = machine === undefined ? undefined : findHypervisor(team, machine.hypervisor);
  if (machine !== undefined && hypervisor !== undefined) return { machine, hypervisor };
  throw unknown(
    team,
    name,
    team.machines.map((one) => one.name),
  );
}

/** How to reach a machine or a hypervisor over SSH, host key included. Throws as `findHost` and `targetOf` do. */
export function sshTargetOf(team: LoadedTeam, secrets: SecretStore, name: string): SshTarget {
  return targetOf(findHost(team, name), team, secrets);
}

function unknown(team: LoadedTeam, name: string, known: readonly string[]): OlympusError {
  return new OlympusError(`there is no machine "${name}" in this team`, {
    code: "E-UNKNOWN-HOST",
    exit: exitCodes.usage,
    where: team.file,
    hint: knownWords(name, known),
  });
}
