import { capacityOf, type Demand, type HypervisorCapacity, type Resource, resources } from "../capacity.ts";
import { asCount, asSize, asText, type Draft } from "../draft.ts";
import type { Problem } from "../problems.ts";
import { sizeOf } from "../resolve.ts";
import { policySchema } from "../schema.ts";
import { gigabytes, sizeText } from "../sizes.ts";

/** Machines of unknown size, and hypervisors that promise more than they have. */
export function checkCapacity(draft: Draft): Problem[] {
  const policy = draft.policy ?? policySchema.parse({ budget: { day: 1 } });
  const supplies = draft.section("hypervisors").flatMap(([name, entry]) => {
    const [memory, disk, cpus] = [asSize(entry.memory), asSize(entry.disk), asCount(entry.cpus)];
    return memory === undefined || disk === undefined || cpus === undefined ? [] : [{ name, memory, disk, cpus }];
  });
  const problems: Problem[] = [];
  const demands = (["agents", "services"] as const).flatMap((section) =>
    draft.section(section).flatMap(([name, entry]): Demand[] => {
      const template = asText(entry.template);
      const { memory, vcpu, root, data } = sizeOf(draft, {
        template,
        memory: asSize(entry.memory),
        vcpu: asCount(entry.vcpu),
        root: asSize(entry.root),
        data: asSize(entry.data),
      });
      if (memory === undefined || vcpu === undefined || root === undefined || data === undefined) {
        const missing = Object.entries({ memory, vcpu, root, data }).filter(
          ([key, size]) => size === undefined && entry[key] === undefined,
        );
        if (section === "services" && template === undefined && entry.template === undefined && missing.length > 0)
          problems.push({
            code: "E-TEAM-MISSING",
            path: [section, name],
            part: "key",
            message: `${name} has no ${missing.map(([key]) => key).join(", ")}`,
            fix: "Name a template, or give the size.",
          });
        return [];
      }
      return [
        {
          name,
          kind: section === "agents" ? "agent" : "service",
          hypervisor: asText(entry.on) ?? "",
          memory,
          vcpu,
          disk: root + data,
        },
      ];
    }),
  );
  const capacities = capacityOf(supplies, demands, {}, policy);
  return [
    ...problems,
    ...capacities.flatMap((host) => resources.flatMap((resource) => overcommit(draft, host, resource, policy))),
  ];
}

type Limits = Parameters<typeof capacityOf>[3];

function overcommit(draft: Draft, host: HypervisorCapacity, resource: Resource, policy: Limits): Problem[] {
  if (host.free[resource] >= 0) return [];
  const isSize = resource !== "vcpu";
  const say = (amount: number): string => (isSize ? sizeText(amount) : `${amount} vCPU`);
  const over = -host.free[resource];
  return [
    {
      code: "E-CAPACITY",
      ...sizePlace(draft, firstTooMany(host, resource), resource),
      message: `${resource === "vcpu" ? "vCPU" : resource} on ${host.name} is overcommitted by ${isSize ? sizeText(over) : over}`,
      fix: [
        `wanted ${say(host.used[resource])} (${shares(host.demands, resource)})`,
        `free for VMs ${offer(host, resource, policy)}`,
        `Move one of them, make it smaller, or ${remedy[resource]}. See: npx olympus plan ${host.name}`,
      ].join("\n"),
    },
  ];
}

/** The machine that does not fit any more: services come first, then agents as they stand in the file. */
function firstTooMany({ demands, offered }: HypervisorCapacity, resource: Resource): Demand {
  const inOrder = [
    ...demands.filter(({ kind }) => kind === "service"),
    ...demands.filter(({ kind }) => kind === "agent"),
  ];
  let sum = 0;
  const found = inOrder.find((demand) => {
    sum += demand[resource];
    return sum > offered[resource];
  });
  if (found === undefined) throw new RangeError("everything fits");
  return found;
}

/** Where the file gives a machine its size: a value of its own, or the template. */
function sizePlace(draft: Draft, { kind, name }: Demand, resource: Resource): Pick<Problem, "path" | "part"> {
  const section = kind === "agent" ? "agents" : "services";
  const entry = draft.section(section).find(([one]) => one === name)?.[1] ?? {};
  const keys = resource === "disk" ? ["data", "root", "template"] : [resource, "template"];
  const key = keys.find((one) => entry[one] !== undefined);
  return key === undefined ? { path: [section, name], part: "key" } : { path: [section, name, key] };
}

const remedy: Readonly<Record<Resource, string>> = {
  memory: "lower policy.hostReserve",
  disk: "raise policy.thinDiskRatio",
  vcpu: "raise policy.vcpuRatio",
};

function offer(host: HypervisorCapacity, resource: Resource, policy: Limits): string {
  const { total, offered } = host;
  if (resource === "vcpu")
    return `${offered.vcpu} vCPU (${total.vcpu} ${total.vcpu === 1 ? "thread" : "threads"} x ${policy.vcpuRatio})`;
  const kept = `${sizeText(policy.hostReserve[resource])} kept for the host`;
  const ratio = resource === "disk" && policy.thinDiskRatio !== 1 ? `, x ${policy.thinDiskRatio} for thin volumes` : "";
  return `${sizeText(offered[resource])} of ${sizeText(total[resource])} (${kept}${ratio})`;
}

function shares(demands: readonly Demand[], resource: Resource): string {
  const ordered = [...demands].sort((a, b) => b[resource] - a[resource] || a.name.localeCompare(b.name));
  const shown = ordered
    .slice(0, 8)
    .map((demand) => `${demand.name} ${resource === "vcpu" ? demand.vcpu : gigabytes(demand[resource])}`);
  return ordered.length > 8 ? `${shown.join(", ")} and ${ordered.length - 8} more` : shown.join(", ");
}
