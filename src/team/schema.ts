import { z } from "zod";
import { shapes } from "../../vm-templates/shapes.ts";

/** Names become host names, bot names and resource names: lower case, digits, hyphens. */
const nameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, "use 1 to 31 lower-case letters, digits or hyphens, starting with a letter");

/** `"8 GB"` or `"512 MB"`, binary units as libvirt and Ansible users mean them; a number is MiB. Gives MiB. */
export const sizeSchema = z
  .union([
    z.int().positive(),
    z.string().regex(/^\d+(\.\d+)?\s*(MB|MiB|GB|GiB|TB|TiB)$/, 'write a size such as "16 GB"'),
  ])
  .transform((size) => {
    if (typeof size === "number") return size;
    const [, amount, , unit] = /^(\d+(\.\d+)?)\s*([MGT])i?B$/.exec(size)!;
    return Math.round(Number(amount) * { M: 1, G: 1024, T: 1024 * 1024 }[unit as "M" | "G" | "T"]);
  });

const networkSchema = z.strictObject({
  cidr: z.cidrv4(),
  gateway: z.ipv4(),
  resolvers: z.array(z.ipv4()).min(1),
  domain: z.string().default("internal"),
  /** Networks that people sit on: they may reach SSH, chat and dashboards. */
  admin: z.array(z.cidrv4()).min(1),
  /** Where guests get packages from; whole APT lines. Empty: what the image has. */
  packages: z.strictObject({ debian: z.array(z.string()).default([]) }).prefault({}),
});

/** Roles by name with parameters: `postgresql: {maxConnections: 50}`; a role without parameters may stand alone: `docker:`. */
const rolesSchema = z
  .record(
    nameSchema,
    z
      .record(z.string(), z.unknown())
      .nullable()
      .transform((params) => params ?? {}),
  )
  .default({});

const hypervisorSchema = z.strictObject({
  address: z.ipv4(),
  /** Login for libvirt over SSH; needs the libvirt group there. */
  user: z.string().default("olympus"),
  port: z.int().min(1).max(65535).default(22),
  memory: sizeSchema,
  disk: sizeSchema,
  /** Hardware threads. */
  cpus: z.int().positive(),
  accel: z.enum(["kvm", "tcg"]).default("kvm"),
  bridge: z.string().default("br0"),
  pool: z.string().default("default"),
  /** Pinned SSH host key, `ssh-ed25519 AAAA…`; `olympus pin` writes it. Without it nothing connects. */
  hostKey: z
    .string()
    .regex(/^(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/=]+$/, "paste the public host key, type and base64")
    .optional(),
  roles: rolesSchema,
});

const templateSchema = z.strictObject({
  memory: sizeSchema,
  vcpu: z.int().positive(),
  /** Disposable system disk. */
  root: sizeSchema,
  /** Disk that outlives rebuild and destroy, mounted at /srv/olympus. */
  data: sizeSchema,
});

const builtIn = z.record(z.string(), templateSchema).parse(shapes);

const modelSchema = z.strictObject({
  provider: z.enum(["anthropic", "openai", "google", "openai-compatible", "rehearsal"]),
  model: z.string().min(1),
  /** For openai-compatible servers, and to reach a provider through a proxy. */
  baseUrl: z.url().optional(),
  /** Name of the secret under `models.`; the provider's name unless given. */
  key: z.string().optional(),
  /** US dollars per million tokens. */
  price: z
    .strictObject({
      input: z.number().nonnegative(),
      output: z.number().nonnegative(),
      cachedInput: z.number().nonnegative().optional(),
    })
    .optional(),
});

const budgetSchema = z.strictObject({
  /** US dollars. */
  run: z.number().positive(),
  day: z.number().positive(),
});

/** What every machine has: an agent, or a VM that carries services. */
const machineShape = {
  on: nameSchema,
  address: z.ipv4(),
  image: nameSchema.optional(),
  memory: sizeSchema.optional(),
  vcpu: z.int().positive().optional(),
  root: sizeSchema.optional(),
  data: sizeSchema.optional(),
  /** Raised by `olympus rebuild`: a new number makes a new root disk; data stays. */
  generation: z.int().nonnegative().default(0),
  /** Roles beside the ones that the machine's kind brings, or parameters for those: `postgresql: {maxConnections: 50}`. */
  roles: rolesSchema,
};

export const lenses = [
  "infrastructure",
  "ux",
  "security",
  "performance",
  "testing",
  "documentation",
  "product",
] as const;

const agentSchema = z.strictObject({
  ...machineShape,
  template: nameSchema,
  duties: z.array(z.enum(["orchestration", "development", "review"])).min(1),
  lenses: z.array(z.enum(lenses)).default([]),
  /** Who the agent is, in its own system prompt: one to twenty lines. */
  persona: z.string().min(1).max(2000),
  email: z.email(),
  /** Ordered: the first is tried first. Falls back to `defaults.models`. */
  models: z.array(modelSchema).optional(),
  budget: budgetSchema.optional(),
});

const serviceVmSchema = z.strictObject({
  ...machineShape,
  template: nameSchema.optional(),
  /** What runs on it. */
  services: z.array(z.enum(["chat", "rehearsal"])).min(1),
});

const personSchema = z.strictObject({
  email: z.email(),
  name: z.string().optional(),
  /** May start work by mentioning an agent. */
  command: z.boolean().default(false),
  /** Kinds of gate that this person may open. */
  approve: z.array(z.enum(["merge", "deploy", "infrastructure", "sensitive", "destructive"])).default([]),
  admin: z.boolean().default(false),
  github: z.string().optional(),
  /** SSH public keys for logging in to machines. */
  keys: z.array(z.string().regex(/^(ssh-|ecdsa-|sk-)/, "paste a public key line")).default([]),
});

/** Ends of a connectivity row: groups, a machine or service by name, or the outside. */
const connectivitySchema = z.strictObject({
  from: z.string(),
  to: z.string(),
  protocol: z.enum(["ssh", "http", "https", "tcp", "udp"]),
  port: z.int().min(1).max(65535),
  purpose: z.string(),
  /** `false` writes down a way that is known and closed. Whatever no open row names is closed as well. */
  open: z.boolean().default(true),
});

const teamChannelsSchema = z.strictObject({
  display: z.string(),
  channels: z.array(nameSchema).min(1),
  /** Agents and people in it; `all` for everybody. */
  members: z.union([z.literal("all"), z.array(nameSchema)]).default("all"),
});

const policySchema = z.strictObject({
  /** Kept for the hypervisor itself. */
  hostReserve: z.strictObject({ memory: sizeSchema, disk: sizeSchema }).prefault({ memory: "4 GB", disk: "20 GB" }),
  /** Promised disk may be this many times the real disk (thin volumes). */
  thinDiskRatio: z.number().min(1).default(1),
  /** vCPUs per hardware thread. */
  vcpuRatio: z.number().min(1).default(4),
  /** The whole team, US dollars a day; agents' days may not sum to more. */
  budget: z.strictObject({ day: z.number().positive() }),
});

export const teamSchema = z.strictObject({
  name: nameSchema,
  network: networkSchema,
  hypervisors: z.record(nameSchema, hypervisorSchema),
  /** Added to light, medium and heavy of vm-templates, or in place of them. */
  templates: z
    .record(nameSchema, templateSchema)
    .prefault({})
    .transform((own) => ({ ...builtIn, ...own })),
  defaults: z.strictObject({
    image: nameSchema.default("debian-12"),
    /** For agents that name none. */
    models: z.array(modelSchema).default([]),
    budget: budgetSchema,
    /** Parameters of roles on every host that has the role: `base: {…}`. */
    roles: rolesSchema,
    timezone: z.string().default("Etc/UTC"),
  }),
  agents: z.record(nameSchema, agentSchema),
  services: z.record(nameSchema, serviceVmSchema).default({}),
  teams: z.record(nameSchema, teamChannelsSchema),
  people: z.record(nameSchema, personSchema),
  connectivity: z.array(connectivitySchema).default([]),
  policy: policySchema,
  /** SOPS file with the team's secrets, relative to this file. */
  secrets: z.string().default("secrets/team.enc.yaml"),
  /** Only for a team that lives in `olympus lab`. */
  lab: z
    .strictObject({
      /** Ports on 127.0.0.1 for people: `"8065": "10.220.1.20:8065"`. */
      publish: z.record(z.string().regex(/^\d+$/), z.string().regex(/^[\d.]+:\d+$/)).default({}),
    })
    .optional(),
});

/** The team file as written. */
export type TeamInput = z.input<typeof teamSchema>;
/** The team file with defaults filled in and sizes in MiB. References are not yet resolved: see `loadTeam`. */
export type Team = z.output<typeof teamSchema>;
export type Hypervisor = Team["hypervisors"][string];
export type Agent = Team["agents"][string];
export type ServiceVm = Team["services"][string];
export type Person = Team["people"][string];
export type ModelChoice = z.output<typeof modelSchema>;
export type Budget = z.output<typeof budgetSchema>;
export type ConnectivityRow = z.output<typeof connectivitySchema>;
