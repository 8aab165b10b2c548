import type { Resource } from "../team/capacity.ts";
import type { Growth } from "../team/growth.ts";
import { gigabytes, sizeText } from "../team/sizes.ts";
import { table } from "./table.ts";

const words: Readonly<Record<Resource, string>> = { memory: "memory", disk: "disk", vcpu: "vCPU" };

/** What can be done where a resource ends. */
const remedies: Readonly<Record<Resource, string>> = {
  memory: "take a smaller template, or add a hypervisor",
  disk: "raise policy.thinDiskRatio (volumes grow only as they fill), give less `data`, or add a hypervisor",
  vcpu: "raise policy.vcpuRatio, or add a hypervisor",
};

/** A team that has grown, as a person reads it: where the agents go, and what ends first. */
export function growthText({ agents, now, template, need, most, fits, endsFirst, hypervisors }: Growth): string {
  const { resource } = endsFirst;
  const wanted = Math.max(0, agents - now);
  const shape = `${template}: ${sizeText(need.memory)}, ${need.vcpu} vCPU, ${sizeText(need.disk)} of disk`;
  const hosts = table(
    ["hypervisor", "agents", "memory GB", "disk GB", "vCPU", "full of"],
    hypervisors.map(({ name, agents: here, more, used, offered, full }) => [
      name,
      more === 0 ? String(here) : `${here} + ${more}`,
      `${gigabytes(used.memory)} of ${gigabytes(offered.memory)}`,
      `${gigabytes(used.disk)} of ${gigabytes(offered.disk)}`,
      `${used.vcpu} of ${offered.vcpu}`,
      full === undefined ? "" : words[full],
    ]),
  );
  const ending = `${words[resource]} ends first: ${most} more fit, ${now + most} agents in all`;
  return [
    `${now} agents now, ${wanted} more asked for (${shape})`,
    hosts,
    fits ? `All fit; ${ending}.` : `${wanted - most} too many; ${ending}.\n  do   ${remedies[resource]}`,
  ].join("\n\n");
}
