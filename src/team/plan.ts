import { type Amounts, addUsage, capacityOf, type HypervisorCapacity, type Usage } from "./capacity.ts";
import type { LoadedTeam } from "./model.ts";

/** What a team needs of its hypervisors, and what is left. Sizes in MiB. */
export interface CapacityPlan {
  readonly team: string;
  readonly hypervisors: readonly HypervisorCapacity[];
  /** Sums over the hypervisors shown. */
  readonly total: Amounts;
  readonly offered: Amounts;
  readonly agents: Usage;
  readonly services: Usage;
  readonly used: Usage;
  /** How many more VMs of each template fit, hypervisor by hypervisor. */
  readonly fits: Readonly<Record<string, number>>;
}

/** The capacity of the hypervisors named, of all where `only` is empty. Pure: asks no machine anything. */
export function planOf({ name, team, hypervisors, machines }: LoadedTeam, only: readonly string[] = []): CapacityPlan {
  const demands = machines.map((machine) => ({ ...machine, disk: machine.root + machine.data }));
  const shown = hypervisors.filter((hypervisor) => only.length === 0 || only.includes(hypervisor.name));
  const capacities = capacityOf(shown, demands, team.templates, team.policy);
  return {
    team: name,
    hypervisors: capacities,
    total: sumAmounts(capacities.map((capacity) => capacity.total)),
    offered: sumAmounts(capacities.map((capacity) => capacity.offered)),
    agents: addUsage(capacities.map((capacity) => capacity.agents)),
    services: addUsage(capacities.map((capacity) => capacity.services)),
    used: addUsage(capacities.map((capacity) => capacity.used)),
    fits: Object.fromEntries(
      Object.keys(team.templates).map((template) => [
        template,
        capacities.reduce((sum, capacity) => sum + (capacity.fits[template]?.count ?? 0), 0),
      ]),
    ),
  };
}

function sumAmounts(amounts: readonly Amounts[]): Amounts {
  const { memory, disk, vcpu } = addUsage(amounts.map((amount) => ({ ...amount, vms: 0 })));
  return { memory, disk, vcpu };
}
