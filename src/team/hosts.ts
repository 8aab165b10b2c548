import type { LoadedTeam, Machine } from "./model.ts";
import { type HostKind, mergeRoles, rolesOfKind } from "./roles.ts";

/** A place that roles can be applied to: an agent's VM, a service VM, a hypervisor. */
export interface Host {
  readonly name: string;
  readonly kind: HostKind;
  readonly address: string;
  readonly port: number;
  /** Login for SSH, with sudo. */
  readonly user: string;
  /** The hypervisor that carries it; its own name for a hypervisor. */
  readonly hypervisor: string;
  /** Every role of this host with the parameters from the team file; unordered. */
  readonly roles: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Public host key, `ssh-ed25519 AAAA…`, of a pinned hypervisor. VMs have theirs among the secrets. */
  readonly hostKey: string | undefined;
  readonly machine: Machine | undefined;
}

/** People's login on every VM; roles are applied through it. */
const vmUser = "agent";

/** All hosts in the order of the team file: agents, services, hypervisors. */
export function listHosts({ team, machines, hypervisors }: LoadedTeam): Host[] {
  return [
    ...machines.map(
      (machine): Host => ({
        name: machine.name,
        kind: machine.kind,
        address: machine.address,
        port: 22,
        user: vmUser,
        hypervisor: machine.hypervisor,
        roles: machine.roles,
        hostKey: undefined,
        machine,
      }),
    ),
    ...hypervisors.map(
      (hypervisor): Host => ({
        name: hypervisor.name,
        kind: "hypervisor",
        address: hypervisor.address,
        port: hypervisor.port,
        user: hypervisor.user,
        hypervisor: hypervisor.name,
        roles: mergeRoles(rolesOfKind("hypervisor"), team.defaults.roles, hypervisor.roles),
        hostKey: hypervisor.hostKey,
        machine: undefined,
      }),
    ),
  ];
}
