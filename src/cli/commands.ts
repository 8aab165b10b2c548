import type { CliCommand } from "./command.ts";

export interface CommandEntry {
  readonly summary: string;
  readonly group: "day" | "machines" | "team" | "lab" | "other";
  readonly load: () => Promise<{ command: CliCommand }>;
}

/** Every command, in the order of a day. Modules are loaded only when asked for, which keeps start-up short. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  quickstart: {
    summary: "this computer -> lab -> VMs -> Mattermost -> an agent answers",
    group: "day",
    load: () => import("./quickstart.ts"),
  },
  deploy: {
    summary: "machines, roles, chat, agents and probe, in order",
    group: "day",
    load: () => import("./deploy.ts"),
  },
  status: { summary: "how every host is; what needs you comes first", group: "day", load: () => import("./status.ts") },
  dashboard: { summary: "the team on one page", group: "day", load: () => import("./dashboard.ts") },
  cost: { summary: "what model calls cost, by agent, model or day", group: "day", load: () => import("./cost.ts") },
  audit: {
    summary: "whether the agents' audit logs are whole, and what stands in them",
    group: "day",
    load: () => import("./audit.ts"),
  },
  doctor: {
    summary: "try what later steps need, and say what mends it",
    group: "day",
    load: () => import("./doctor.ts"),
  },
  bootstrap: { summary: "set up the chat as the team file says", group: "day", load: () => import("./bootstrap.ts") },
  chat: { summary: "ask an agent and read the answer", group: "day", load: () => import("./chat.ts") },
  review: { summary: "look at a pull request, without an agent", group: "day", load: () => import("./review.ts") },
  role: { summary: "set up, check or reset roles on hosts", group: "day", load: () => import("./role.ts") },
  backup: {
    summary: "backups of hosts' data: make, verify, bring back",
    group: "day",
    load: () => import("./backup.ts"),
  },
  secrets: { summary: "passwords, keys and tokens of the team", group: "team", load: () => import("./secrets.ts") },
  tokens: { summary: "who else gets into dashboards", group: "team", load: () => import("./tokens.ts") },
  plan: { summary: "what fits on which hypervisor", group: "team", load: () => import("./plan.ts") },
  agents: { summary: "add an agent, or remove one everywhere", group: "team", load: () => import("./agents.ts") },
  hosts: { summary: "everything that a role can be applied to", group: "team", load: () => import("./hosts.ts") },
  pin: { summary: "pin a hypervisor's SSH host key", group: "team", load: () => import("./pin.ts") },
  preview: { summary: "what `up` would do", group: "machines", load: () => import("./preview.ts") },
  up: { summary: "make the machines what the team file says", group: "machines", load: () => import("./up.ts") },
  restart: { summary: "a machine down in order and up again", group: "machines", load: () => import("./restart.ts") },
  rebuild: { summary: "a new root disk; data stays", group: "machines", load: () => import("./rebuild.ts") },
  destroy: { summary: "remove machines; data disks stay", group: "machines", load: () => import("./destroy.ts") },
  ssh: { summary: "log in, or run a command there", group: "machines", load: () => import("./ssh.ts") },
  logs: { summary: "the journal of what runs there", group: "machines", load: () => import("./logs.ts") },
  open: {
    summary: "a link that signs you in at an agent's dashboard",
    group: "machines",
    load: () => import("./open.ts"),
  },
  console: { summary: "a machine's serial console", group: "machines", load: () => import("./console.ts") },
  env: { summary: "what a plain pulumi needs", group: "machines", load: () => import("./env.ts") },
  lab: { summary: "a network of hypervisors on this computer", group: "lab", load: () => import("./lab.ts") },
  prepare: { summary: "install what this computer needs", group: "other", load: () => import("./prepare.ts") },
  toolchain: { summary: "install the pinned tools", group: "other", load: () => import("./toolchain.ts") },
  "support-bundle": {
    summary: "what somebody needs who is to help, without secrets",
    group: "other",
    load: () => import("./support-bundle.ts"),
  },
  bench: { summary: "measure what the docs promise", group: "other", load: () => import("./bench.ts") },
};
