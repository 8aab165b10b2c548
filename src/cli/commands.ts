import type { CliCommand } from "./command.ts";

export interface CommandEntry {
  readonly summary: string;
  readonly group: "day" | "machines" | "team" | "lab" | "other";
  readonly load: () => Promise<{ command: CliCommand }>;
}

/** Every command, in the order of a day. Modules are loaded only when asked for, which keeps start-up short. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  plan: { summary: "what fits on which hypervisor", group: "team", load: () => import("./plan.ts") },
  hosts: { summary: "everything that a role can be applied to", group: "team", load: () => import("./hosts.ts") },
  pin: { summary: "pin a hypervisor's SSH host key", group: "team", load: () => import("./pin.ts") },
  env: { summary: "what a plain pulumi needs", group: "machines", load: () => import("./env.ts") },
  lab: { summary: "a network of hypervisors on this computer", group: "lab", load: () => import("./lab.ts") },
  toolchain: { summary: "install the pinned tools", group: "other", load: () => import("./toolchain.ts") },
  bench: { summary: "measure what the docs promise", group: "other", load: () => import("./bench.ts") },
};
