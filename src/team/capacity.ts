import type { Policy, Template } from "./schema.ts";

/** What runs out: MiB of memory and disk, virtual CPUs. */
export const resources = ["memory", "disk", "vcpu"] as const;
export type Resource = (typeof resources)[number];
export type Amounts = Readonly<Record<Resource, number>>;

/** A hypervisor as far as capacity goes. */
export interface Supply {
  readonly name: string;
  readonly memory: number;
  readonly disk: number;
  /** Hardware threads. */
  readonly cpus: number;
}

/** A VM as far as capacity goes; disk is root + data. */
export interface Demand extends Amounts {
  readonly name: string;
  readonly kind: "agent" | "service";
  readonly hypervisor: string;
}

export interface Usage extends Amounts {
  readonly vms: number;
}

export interface HypervisorCapacity {
  readonly name: string;
  /** What the hardware has: memory, disk, hardware threads as `vcpu`. */
  readonly total: Amounts;
  /** What VMs may be promised: without the host's reserve, with the policy's ratios. */
  readonly offered: Amounts;
  readonly agents: Usage;
  readonly services: Usage;
  readonly used: Usage;
  /** Offered minus used; below zero where overcommitted. */
  readonly free: Amounts;
  readonly demands: readonly Demand[];
  readonly fits: Readonly<Record<string, Fit>>;
}

/** How many more VMs of a template fit, and what runs out first. */
export interface Fit {
  readonly count: number;
  readonly limit: Resource;
}

const nothing: Usage = { vms: 0, memory: 0, disk: 0, vcpu: 0 };

/** Capacity of every hypervisor. VMs on an unknown hypervisor count nowhere. */
export function capacityOf(
  supplies: readonly Supply[],
  demands: readonly Demand[],
  templates: Readonly<Record<string, Template>>,
  policy: Pick<Policy, "hostReserve" | "thinDiskRatio" | "vcpuRatio">,
): HypervisorCapacity[] {
  const byHost = Map.groupBy(demands, (demand) => demand.hypervisor);
  return supplies.map(({ name, memory, disk, cpus }) => {
    const here = byHost.get(name) ?? [];
    const agents = sumUsage(here.filter((demand) => demand.kind === "agent"));
    const services = sumUsage(here.filter((demand) => demand.kind === "service"));
    const used = addUsage([agents, services]);
    const offered: Amounts = {
      memory: Math.max(0, memory - policy.hostReserve.memory),
      disk: Math.floor(Math.max(0, disk - policy.hostReserve.disk) * policy.thinDiskRatio),
      vcpu: Math.floor(cpus * policy.vcpuRatio),
    };
    const free: Amounts = {
      memory: offered.memory - used.memory,
      disk: offered.disk - used.disk,
      vcpu: offered.vcpu - used.vcpu,
    };
    return {
      name,
      total: { memory, disk, vcpu: cpus },
      offered,
      agents,
      services,
      used,
      free,
      demands: here,
      fits: Object.fromEntries(Object.entries(templates).map(([key, template]) => [key, fitOf(free, template)])),
    };
  });
}

function fitOf(free: Amounts, template: Template): Fit {
  const need: Amounts = { memory: template.memory, disk: template.root + template.data, vcpu: template.vcpu };
  return resources
    .map((limit): Fit => ({ limit, count: Math.max(0, Math.floor(free[limit] / need[limit])) }))
    .reduce((least, fit) => (fit.count < least.count ? fit : least));
}

function sumUsage(demands: readonly Demand[]): Usage {
  return addUsage(demands.map((demand) => ({ ...demand, vms: 1 })));
}

/** Usages of several hypervisors, or of several kinds, as one. */
export function addUsage(usages: readonly Usage[]): Usage {
  return usages.reduce(
    (sum, one) => ({
      vms: sum.vms + one.vms,
      memory: sum.memory + one.memory,
      disk: sum.disk + one.disk,
      vcpu: sum.vcpu + one.vcpu,
    }),
    nothing,
  );
}
