import type { SecretStore } from "../../secrets/store.ts";
import { exitCodes, OlympusError } from "../base/errors.ts";
import type { SshTarget } from "../ssh/connection.ts";
import type { LoadedTeam, Machine, NamedHypervisor } from "../team/model.ts";

/** Where to reach a hypervisor. Throws E-HOSTKEY-MISSING (exit 1) while its host key is not pinned. */
export function hypervisorTarget(team: LoadedTeam, secrets: SecretStore, hypervisor: NamedHypervisor): SshTarget {
  if (hypervisor.hostKey === undefined) {
    throw new OlympusError(`the host key of ${hypervisor.name} is not pinned, so nothing connects to it`, {
      code: "E-HOSTKEY-MISSING",
      exit: exitCodes.usage,
      where: team.file,
      hint: `olympus pin ${hypervisor.name}`,
    });
  }
  return {
    name: hypervisor.name,
    address: hypervisor.address,
    port: hypervisor.port,
    user: hypervisor.user,
    hostKey: hypervisor.hostKey,
    pinnedIn: `${team.file} (hypervisors.${hypervisor.name}.hostKey)`,
    privateKey: secrets.require("ssh.deploy.private"),
  };
}

/** Where to reach a VM: its host key was made by us and injected at its first boot. */
export function machineTarget(team: LoadedTeam, secrets: SecretStore, machine: Machine): SshTarget {
  return {
    name: machine.name,
    address: machine.address,
    port: 22,
    user: "agent",
    hostKey: secrets.require(`hosts.${machine.name}.public`).reveal(),
    pinnedIn: `${team.secretsFile} (hosts.${machine.name})`,
    privateKey: secrets.require("ssh.deploy.private"),
  };
}
