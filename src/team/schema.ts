import { z } from "zod";
import { shapes } from "../../vm-templates/shapes.ts";
import {
  cidrField,
  countField,
  dollarsField,
  emailField,
  hostKeyField,
  ipv4Field,
  nameField,
  portField,
  rolesField,
  sizeField,
  timezoneField,
  tokensField,
} from "./fields.ts";
import { budgetSchema, limitsSchema, modelSchema } from "./model-schema.ts";
import { orchestrationSchema } from "./orchestration-schema.ts";
import { gateKinds, gatesSchema, lenses, reviewsSchema } from "./policy-schema.ts";
import { forgeSchema, repositoryName, repositorySchema } from "./repository-schema.ts";
import { runtimes, serviceNames } from "./roles.ts";
import { quietHoursSchema, rulesTextField, scheduleSchema } from "./schedule-schema.ts";

// A command reads one team file and ends: to compile a parser takes longer than to do without (a tenth of the start).
z.config({ jitless: true });

// Descriptions become docs/reference/team-file.md and what editors show: `olympus` reads them nowhere else.

const jumpSchema = z.strictObject({
  address: z
    .string()
    .regex(/^[\w.:-]+$/, "Write an address or a name.")
    .describe("Its address or name."),
  user: z.string().default("olympus").describe("Login there; the team's deploy key lets it in. It needs no rights."),
  port: portField.default(22).describe("Port of its SSH server."),
  hostKey: hostKeyField.describe("Pinned SSH host key: a line of ssh-keyscan, compared with the one on its console."),
});

const networkSchema = z
  .strictObject({
    cidr: cidrField.describe("The machines' network; hypervisors are in it as well."),
    gateway: ipv4Field.describe("The machines' way out."),
    resolvers: z.array(ipv4Field).min(1, "Name one at least.").describe("Name servers that the machines can reach."),
    domain: z.string().default("internal").describe("Appended to host names."),
    admin: z
      .array(cidrField)
      .min(1, "Name one at least.")
      .describe("Networks that people sit on: they may reach SSH, chat and dashboards."),
    jump: jumpSchema
      .optional()
      .describe("Host that every machine and hypervisor is reached through; libvirt itself still needs a direct way."),
    packages: z
      .strictObject({
        debian: z.array(z.string()).default([]).describe("Whole APT lines. Empty: what the image has."),
        proxy: z.url().optional().describe("HTTP proxy for APT only, such as a package cache: http://10.220.1.1:3142."),
      })
      .prefault({})
      .describe("Where guests get packages from."),
  })
  .describe("Addresses, name servers, and the networks that people sit on.");

export const hypervisorSchema = z.strictObject({
  address: ipv4Field.describe("In the network, like those of the machines."),
  user: z.string().default("olympus").describe("Login for libvirt over SSH; needs the libvirt group and sudo there."),
  port: portField.default(22).describe("Port of its SSH server."),
  memory: sizeField.describe("All of its memory."),
  disk: sizeField.describe("Space for disks of VMs."),
  cpus: countField.describe("Hardware threads."),
  accel: z
    .enum(["kvm", "tcg"])
    .default("kvm")
    .describe("`tcg` emulates where KVM does not work; `olympus doctor` tries."),
  bridge: z.string().default("br0").describe("Bridge with a port into the network."),
  pool: z.string().default("default").describe("libvirt storage pool."),
  hostKey: hostKeyField
    .optional()
    .describe("Pinned SSH host key; `olympus pin` writes it. Without it nothing connects."),
  jump: jumpSchema.optional().describe("Host that it and its machines are reached through, in place of the network's."),
  roles: rolesField.describe("Roles on the hypervisor itself, with parameters."),
});

export const templateSchema = z.strictObject({
  memory: sizeField.describe("Memory of the VM."),
  vcpu: countField.describe("Virtual CPUs."),
  root: sizeField.describe("Disposable system disk."),
  data: sizeField.describe("Disk that outlives rebuild and destroy, mounted at /srv/olympus."),
});

const builtIn = z.record(z.string(), templateSchema).parse(shapes);

const machineShape = {
  on: nameField.describe("The hypervisor that carries it."),
  address: ipv4Field.describe("Fixed; given to the VM by cloud-init."),
  image: nameField.optional().describe("From vm-templates; `defaults.image` unless given."),
  memory: sizeField.optional().describe("In place of the template's."),
  vcpu: countField.optional().describe("In place of the template's."),
  root: sizeField.optional().describe("In place of the template's."),
  data: sizeField.optional().describe("In place of the template's. It can grow, not shrink."),
  generation: z
    .int("Write a whole number.")
    .nonnegative("Write a whole number.")
    .default(0)
    .describe("Raised by `olympus rebuild`: a new number makes a new root disk; data stays."),
  roles: rolesField.describe("Roles beside those that its kind brings, or parameters for these."),
};

export const agentSchema = z.strictObject({
  ...machineShape,
  template: nameField.describe("light, medium, heavy, or one of `templates`."),
  runtime: z
    .enum(runtimes)
    .default("harness")
    .describe("What runs it: Olympus's own harness, or the npm package openclaw. The other one goes; its data stays."),
  duties: z
    .array(z.enum(["orchestration", "development", "review"]))
    .min(1, "Name one at least.")
    .describe("What it is asked for by default."),
  lenses: z
    .array(z.enum(lenses))
    .default([])
    .describe("What it looks at first when it reviews. Any agent can be asked for any lens."),
  persona: z
    .string()
    .min(1, "Say who the agent is.")
    .max(2000, "Keep it under 2000 characters.")
    .describe("Who the agent is, in its own system prompt: one to twenty lines."),
  tone: z
    .string()
    .min(1, "Say how it speaks.")
    .max(300, "Keep it under 300 characters.")
    .optional()
    .describe("How it speaks."),
  rules: rulesTextField.default([]).describe("Working rules of its own, beside `defaults.rules`: one sentence each."),
  email: emailField.describe("For its accounts in chat and forge."),
  models: z.array(modelSchema).optional().describe("The first is tried first. `defaults.models` unless given."),
  budget: budgetSchema.optional().describe("`defaults.budget` unless given."),
  limits: limitsSchema.optional().describe("`defaults.limits` unless given."),
  schedules: z.record(nameField, scheduleSchema).default({}).describe("What it does by itself, and when."),
  quietHours: quietHoursSchema.optional().describe("`defaults.quietHours` unless given."),
});

export const serviceVmSchema = z.strictObject({
  ...machineShape,
  template: nameField.optional().describe("Not needed where all four sizes are given."),
  services: z.array(z.enum(serviceNames)).min(1, "Name one at least.").describe("What runs on it."),
});

const personSchema = z.strictObject({
  email: emailField.describe("For the account in the chat."),
  name: z.string().optional().describe("As the chat shows it."),
  command: z.boolean().default(false).describe("May start work by mentioning an agent."),
  approve: z.array(z.enum(gateKinds)).default([]).describe("Kinds of gate that this person may open."),
  admin: z
    .boolean()
    .default(false)
    .describe(
      "Administers the chat, and with `keys` becomes root by sudo, without a password, on every host with the role base.",
    ),
  github: z.string().optional().describe("Login on GitHub."),
  keys: z
    .array(z.string().regex(/^(ssh-|ecdsa-|sk-)\S+ \S+/, "Paste the line of a .pub file."))
    .default([])
    .describe("SSH public keys for logging in to machines."),
});

const ends =
  "One of: agents, services, hypervisors, admin, internet, github, a service (chat, rehearsal, forge), a machine or hypervisor by name, a network.";

const connectivitySchema = z.strictObject({
  from: z.string().describe(`Who begins. ${ends}`),
  to: z.string().describe(`Who answers. ${ends}`),
  protocol: z.enum(["ssh", "http", "https", "tcp", "udp"]).describe("udp, or what is spoken over tcp."),
  port: portField.describe("The port of the end that answers."),
  purpose: z.string().describe("Why, for people."),
  open: z.boolean().default(true).describe("`false` writes down a way that is known and closed."),
});

const teamChannelsSchema = z.strictObject({
  display: z.string().describe("As the chat shows it."),
  channels: z.array(nameField).min(1, "Name one at least.").describe("Beside town-square, which every team has."),
  members: z
    .union([z.literal("all"), z.array(nameField)], { error: "Write all, or a list of agents and people." })
    .default("all")
    .describe("Agents and people in it."),
});

export const policySchema = z.strictObject({
  hostReserve: z
    .strictObject({ memory: sizeField.describe("Not given to VMs."), disk: sizeField.describe("Not given to VMs.") })
    .prefault({ memory: "4 GB", disk: "20 GB" })
    .describe("Kept for the hypervisor itself."),
  thinDiskRatio: z
    .number()
    .min(1, "Write 1 or more.")
    .default(1)
    .describe("Promised disk may be this many times the real disk (volumes grow as they fill)."),
  rolesWithMachines: z
    .boolean()
    .default(false)
    .describe("Stacks apply the roles of their machines themselves, also in a plain `pulumi up`."),
  vcpuRatio: z.number().min(1, "Write 1 or more.").default(4).describe("vCPUs per hardware thread."),
  budget: z
    .strictObject({
      day: dollarsField.describe("US dollars."),
      dayTokens: tokensField.optional().describe("Tokens sent and received; no limit unless given."),
    })
    .describe("The whole team's day; the agents' days may not sum to more."),
  operations: z
    .string()
    .regex(/^[^/]+\/[^/]+$/, "Write team/channel, such as olympus/operations.")
    .optional()
    .describe(
      "Channel where agents tell the head of their audit log each day; the first one called operations unless given.",
    ),
  gates: gatesSchema,
  reviews: reviewsSchema,
});

export const teamSchema = z.strictObject({
  name: nameField.describe("Names state, machines and the chat's site. `lab` is kept for the lab."),
  network: networkSchema,
  hypervisors: z.record(nameField, hypervisorSchema).describe("libvirt hosts; one Pulumi stack each."),
  templates: z
    .record(nameField, templateSchema)
    .prefault({})
    .transform((own) => ({ ...builtIn, ...own }))
    .describe("Shapes of machines, beside light, medium and heavy or in place of them."),
  defaults: z
    .strictObject({
      image: nameField.default("debian-12").describe("From vm-templates."),
      models: z.array(modelSchema).default([]).describe("For agents that name none."),
      budget: budgetSchema.describe("For agents that have none of their own."),
      limits: limitsSchema.prefault({}).describe("For agents that have none of their own."),
      rules: rulesTextField.default([]).describe("Working rules of every agent: one sentence each."),
      facts: z
        .array(z.string().min(1, "Write a sentence.").max(300, "Keep each under 300 characters."))
        .default([])
        .describe("What every agent should know, beside machines and people, which it knows from this file."),
      quietHours: quietHoursSchema.optional().describe("Hours in which schedules wait, at the agent's place."),
      timezone: timezoneField.default("Etc/UTC").describe("Of the machines, and of a budget's day."),
      roles: rolesField.describe("Parameters of roles on every host that has the role."),
      machineRoles: z
        .array(nameField)
        .default([])
        .describe("Roles of every VM beside those of its kind, such as hardening and firewall."),
    })
    .describe("What agents and machines take when they say nothing themselves."),
  agents: z.record(nameField, agentSchema).describe("Virtual employees, each on a VM of its own."),
  services: z.record(nameField, serviceVmSchema).default({}).describe("VMs that carry what the team needs."),
  teams: z.record(nameField, teamChannelsSchema).describe("Teams in the chat, with their channels."),
  people: z.record(nameField, personSchema).describe("People by their chat names."),
  repositories: z
    .record(repositoryName, repositorySchema)
    .default({})
    .describe("What agents work on, by owner/name. Without any, agents only talk."),
  forge: forgeSchema.prefault({}).describe("Where the repositories are."),
  orchestration: orchestrationSchema,
  connectivity: z
    .array(connectivitySchema)
    .default([])
    .describe("Who may reach whom. Whatever no open row names is closed."),
  policy: policySchema.describe("Limits that hold for the whole team."),
  secrets: z.string().default("secrets/team.enc.yaml").describe("SOPS file with the secrets, relative to this file."),
  lab: z
    .strictObject({
      publish: z
        .record(
          z.string().regex(/^\d+$/, "Write the port as a word in quotes."),
          z.string().regex(/^[\d.]+:\d+$/, "Write address:port of a machine."),
        )
        .default({})
        .describe('Ports on 127.0.0.1 for people: `"8065": 10.220.1.20:8065`.'),
    })
    .optional()
    .describe("Only for a team that lives in `olympus lab`."),
});

/** The team file as written. */
export type TeamInput = z.input<typeof teamSchema>;
/** The team file with defaults filled in and sizes in MiB. References are not yet resolved: see `loadTeam`. */
export type Team = z.output<typeof teamSchema>;
export type Hypervisor = Team["hypervisors"][string];
export type Template = Team["templates"][string];
export type Agent = Team["agents"][string];
export type ServiceVm = Team["services"][string];
export type Person = Team["people"][string];
export type Policy = Team["policy"];
export type ModelChoice = z.output<typeof modelSchema>;
export type Budget = z.output<typeof budgetSchema>;
export type Schedule = z.output<typeof scheduleSchema>;
export type QuietHours = z.output<typeof quietHoursSchema>;
export type Limits = z.output<typeof limitsSchema>;
export type ConnectivityRow = z.output<typeof connectivitySchema>;
