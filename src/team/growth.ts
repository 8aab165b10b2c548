import { type Amounts, type HypervisorCapacity, type Resource, resources } from "./capacity.ts";
import type { LoadedTeam } from "./model.ts";
import { planOf } from "./plan.ts";

/** What a team of so many agents takes. Sizes in MiB. */
export interface Growth {
  /** In all, as asked for. */
  readonly agents: number;
  readonly now: number;
  /** The shape of those that are added. */
  readonly template: string;
  readonly need: Amounts;
  /** How many more fit, each hypervisor for itself. */
  readonly most: number;
  readonly fits: boolean;
  /** The resource that ends first, with the VMs that it alone would allow. */
  readonly endsFirst: { readonly resource: Resource; readonly after: number };
  readonly hypervisors: readonly GrownHypervisor[];
}

export interface GrownHypervisor {
  readonly name: string;
  /** Agents there now, and how many are added. */
  readonly agents: number;
  readonly more: number;
  /** With those that are added, services included. */
  readonly used: Amounts;
  readonly offered: Amounts;
  /** What is in the way of one more; undefined while one more fits. */
  readonly full: Resource | undefined;
}

/**
 * Adds agents of one template until there are `agents`, each where it leaves most room, and says what ends first. Without `template`
 * they are as most of the team's agents are. `only` names the hypervisors that may be used; all where it is empty. Pure.
 */
export function growthOf(
  team: LoadedTeam,
  agents: number,
  template: string = usualTemplate(team),
  only: readonly string[] = [],
): Growth {
  const { memory, vcpu, root, data } = team.team.templates[template]!;
  const need: Amounts = { memory, vcpu, disk: root + data };
  const plan = planOf(team, only);
  const now = team.machines.filter(({ kind }) => kind === "agent").length;
  const wanted = Math.max(0, agents - now);
  const most = plan.fits[template]!;
  const counts = place(plan.hypervisors, need, Math.min(wanted, most));
  const endsFirst = resources
    .map((resource) => ({ resource, after: sum(plan.hypervisors.map(({ free }) => room(free, need, resource))) }))
    .reduce((least, one) => (one.after < least.after ? one : least));
  return {
    agents,
    now,
    template,
    need,
    most,
    fits: wanted <= most,
    endsFirst,
    hypervisors: plan.hypervisors.map((host, at) => {
      const more = counts[at]!;
      const used: Amounts = {
        memory: host.used.memory + more * need.memory,
        disk: host.used.disk + more * need.disk,
        vcpu: host.used.vcpu + more * need.vcpu,
      };
      return {
        name: host.name,
        agents: host.agents.vms,
        more,
        used,
        offered: host.offered,
        full: resources.find((resource) => host.offered[resource] - used[resource] < need[resource]),
      };
    }),
  };
}

/** The template that most agents have; the first of the file where several have as many. */
function usualTemplate({ team }: LoadedTeam): string {
  const count = Map.groupBy(Object.values(team.agents), ({ template }) => template);
  const [first] = [...count].sort(([, a], [, b]) => b.length - a.length);
  return first?.[0] ?? "medium";
}

/** How many go where: each to the hypervisor that is least full with it, by its scarcest resource. */
function place(hosts: readonly HypervisorCapacity[], need: Amounts, count: number): number[] {
  const counts = hosts.map(() => 0);
  const fullness = (at: number): number => {
    const { offered, used, free } = hosts[at]!;
    const more = counts[at]! + 1;
    if (resources.some((resource) => free[resource] < need[resource] * more)) return Number.POSITIVE_INFINITY;
    return Math.max(...resources.map((resource) => (used[resource] + need[resource] * more) / offered[resource]));
  };
  for (let left = count; left > 0; left -= 1) {
    const best = counts.map((_, at) => at).reduce((a, b) => (fullness(b) < fullness(a) ? b : a));
    counts[best]! += 1;
  }
  return counts;
}

function room(free: Amounts, need: Amounts, resource: Resource): number {
  return Math.max(0, Math.floor(free[resource] / need[resource]));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
