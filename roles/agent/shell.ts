import { type AgentConfigInput, sandboxSchema } from "../../src/harness/config.ts";
import type { Machine } from "../../src/team/model.ts";

/** MiB that the system and the harness need beside commands. */
const others = 640;
const least = 256;
/** A workspace is at most this, MiB, and a quarter of the data disk. */
const largestDisk = 4096;

/** The shell of an agent that develops, as large as its machine allows; none for others. `egress` names where commands may connect to. */
export function shellOf(machine: Machine, egress: readonly string[]): AgentConfigInput["sandbox"] {
  if (machine.agent?.duties.includes("development") !== true) return undefined;
  return {
    memory: Math.max(least, machine.memory - others),
    cpus: machine.vcpu,
    disk: Math.min(largestDisk, Math.max(least, Math.floor(machine.data / 4))),
    egress: [...egress],
  };
}

/** What the unit must allow for all commands together; undefined without a shell. */
export function shellLimits({ sandbox }: AgentConfigInput): { memory: number; processes: number } | undefined {
  if (sandbox === undefined) return undefined;
  const { memory, processes } = sandboxSchema.parse(sandbox);
  return { memory, processes };
}
