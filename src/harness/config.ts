import { readFile } from "node:fs/promises";
import * as z from "zod";
import { exitCodes, messageOf, OlympusError } from "../base/errors.ts";
import { isCron } from "./cron.ts";
import { orchestrationSchema } from "./duties/schema.ts";
import { clientNames } from "./egress/clients.ts";
import { forgeSchema } from "./forge-config.ts";
import { policySchema } from "./policy/schema.ts";

/**
 * What an agent's machine is told, at /etc/olympus/agent.json. Role `agent` writes it from the team file.
 * It holds no secret: `…File` fields name files that `readSecretFile` looks for in systemd's credentials
 * directory, or beside this file where there is none.
 */

const id = z.string().min(1);
const file = z.string().min(1);

const personSchema = z.strictObject({
  /** The chat server's id, pinned by bootstrap: a re-created name has another id and so no rights. */
  id,
  name: z.string().min(1),
  /** May start work by mentioning the agent. */
  command: z.boolean().default(false),
  /** Kinds of gate that this person may open. */
  approve: z.array(z.string()).default([]),
});

const agentSchema = z.strictObject({ id, name: z.string().min(1) });

const chatSchema = z.strictObject({
  /** `http://10.220.1.20:8065`, without a trailing slash. */
  url: z.url().transform((url) => url.replace(/\/+$/, "")),
  tokenFile: file,
  /** The bot's own user id; a token of another account is refused at start. */
  botId: id,
  people: z.array(personSchema).default([]),
  /** The team's other agents. Bots that are not listed here never start work. */
  agents: z.array(agentSchema).default([]),
  /** How many agents may answer one another in a row, and how often each may in all, before a human has to. */
  maxHops: z.int().min(0).default(4),
  /** Mentions that were missed for longer than this, in hours, are not answered any more. */
  maxAgeHours: z.number().positive().default(72),
  /** `team/channel` where the head of the audit log is told each day; told nowhere unless given. */
  operations: z
    .string()
    .regex(/^[^/]+\/[^/]+$/)
    .optional(),
});

const priceSchema = z.strictObject({
  /** US dollars per million tokens. */
  input: z.number().nonnegative(),
  output: z.number().nonnegative(),
  cachedInput: z.number().nonnegative().optional(),
  /** Of tokens that the provider puts into its cache. */
  cacheWrite: z.number().nonnegative().optional(),
});

/** What models are asked for: answers in chat and by schedule, reviews, work on code. */
export const workKinds = ["chat", "review", "code"] as const;
export type WorkKind = (typeof workKinds)[number];

const modelSchema = z.strictObject({
  provider: z.enum(["anthropic", "openai", "google", "openai-compatible", "rehearsal"]),
  model: z.string().min(1),
  /** Must be given for `openai-compatible` and `rehearsal`: the server's root, without `/v1`. */
  baseUrl: z
    .url()
    .transform((url) => url.replace(/\/+$/, ""))
    .optional(),
  /** Not needed for `rehearsal`, nor for local servers that ask for none. */
  keyFile: file.optional(),
  price: priceSchema.optional(),
  /** Kinds of work that it is asked for; all unless given. */
  for: z.array(z.enum(workKinds)).min(1).optional(),
  /** Tokens of a conversation that it takes. */
  window: z.int().positive().optional(),
});

export const limitsSchema = z.strictObject({
  /** Runs at the same time, in different threads. */
  runs: z.int().min(1).max(64).default(4),
  /** Calls to models at the same time. */
  calls: z.int().min(1).max(64).default(4),
  /** Seconds one model call may take. */
  modelTimeout: z.number().positive().default(120),
  /** Tokens one answer may have; what the budget check reserves. */
  outputTokens: z.int().positive().default(4096),
  /** Posts of a thread that a model gets to see: the first and the newest ones. */
  threadPosts: z.int().min(2).default(60),
  /** Tokens (estimated: three bytes each) of a thread that a model gets to see. The post to be answered is never left out. */
  threadTokens: z.int().min(100).default(16_000),
  /** Calls to models, and minutes, that one run may take: of the conversation, and of a task worked on with a shell. */
  chatSteps: z.int().positive().default(60),
  chatMinutes: z.number().positive().default(120),
  codeSteps: z.int().positive().default(250),
  codeMinutes: z.number().positive().default(60),
  /** Seconds that work in progress gets when the harness is told to stop. */
  drain: z.number().positive().max(60).default(30),
});

/** The shell of agents that develop. Sizes in MiB. */
export const sandboxSchema = z.strictObject({
  /** Of each command, and of all together. */
  memory: z.int().min(64).default(1024),
  processes: z.int().min(16).default(512),
  cpus: z.number().positive().default(2),
  /** Of a run's workspace. */
  disk: z.int().min(16).default(4096),
  /** That one command may print; a model sees 10,000 characters of it. */
  output: z.int().min(1).default(64),
  /** Seconds that a command gets, and the most that a model may ask for. */
  seconds: z.number().positive().default(120),
  longest: z.number().positive().default(900),
  /** Where commands may connect to: package managers by name, each at the addresses that this machine has for it, and hosts. */
  egress: z.array(z.string().refine(isEgress, `neither ${clientNames.join(", ")} nor host or host:port`)).default([]),
  /** Read-only folders with programs, beside /usr. */
  toolchains: z.array(z.string().startsWith("/")).default(["/opt/olympus/tools", "/opt/olympus/node"]),
});

const timezone = z.string().refine(isTimezone, "not a time zone that this system knows, such as Europe/Berlin");
const wallClock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "not a time such as 20:00");

const scheduleSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/),
  /** Minute, hour, day, month, weekday. */
  at: z.string().refine(isCron, "not a time of five fields, such as 0 9 * * 1-5, that ever comes"),
  timezone: timezone.default("Etc/UTC"),
  /** `team/channel`, where what came of it is posted. */
  channel: z.string().regex(/^[^/]+\/[^/]+$/),
  task: z.string().min(1),
  /** Waits for the end of the quiet hours. */
  quiet: z.boolean().default(true),
});

const quietHoursSchema = z.strictObject({
  from: wallClock,
  to: wallClock,
  days: z.array(z.enum(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"])).default([]),
});

export const agentConfigSchema = z
  .strictObject({
    version: z.literal(1),
    /** The bot's user name and the machine's name. */
    agent: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/),
    team: z.string().min(1),
    /** What carries its machine, for people. */
    hypervisor: z.string().min(1).optional(),
    /** Who the agent is: the start of every system prompt. */
    persona: z.string().min(1),
    /** What it should know about its team, one line each. */
    facts: z.array(z.string()).default([]),
    chat: chatSchema,
    /** Ordered: the first is tried first. */
    models: z.array(modelSchema).min(1),
    /** US dollars, and tokens sent and received, of one run and of the agent's day. */
    budget: z.strictObject({
      run: z.number().positive(),
      day: z.number().positive(),
      runTokens: z.int().positive().optional(),
      dayTokens: z.int().positive().optional(),
    }),
    /** Status page and health. `hosts` are further values of the Host header that are let in (`athena:18789`). */
    listen: z.strictObject({
      address: z.string().min(1),
      port: z.int().min(0).max(65535),
      tokenFile: file,
      hosts: z.array(z.string()).default([]),
      /** Left out: plain HTTP. PEM, with the certificates between it and its authority. */
      tls: z.strictObject({ certificate: z.string(), keyFile: file }).optional(),
    }),
    /** Absolute; holds the database. Must outlive the root disk. */
    dataDir: z.string().startsWith("/"),
    /** Decides when a budget's day begins. */
    timezone: timezone.default("Etc/UTC"),
    /** What it does by itself. */
    schedules: z.array(scheduleSchema).default([]),
    quietHours: quietHoursSchema.optional(),
    limits: limitsSchema.prefault({}),
    /** Left out: the agent has no shell. */
    sandbox: sandboxSchema.optional(),
    /** Left out: the agent has no repositories. */
    forge: forgeSchema.optional(),
    /** Left out: it does not plan. Needs repositories. */
    orchestration: orchestrationSchema.optional(),
    /** Left out: it neither reviews nor merges. */
    policy: policySchema.optional(),
    /** Where in the team file values stand, by their names here (`budget`, `limits.runs`), for people; what is not named has its default. */
    origins: z.record(z.string(), z.string()).default({}),
    /** Waits are divided by this; 1 but in tests. */
    scale: z.number().positive().default(1),
  })
  .superRefine((config, context) => {
    config.models.forEach((choice, index) => {
      if (
        choice.baseUrl === undefined &&
        (choice.provider === "openai-compatible" || choice.provider === "rehearsal")
      ) {
        context.addIssue({
          code: "custom",
          path: ["models", index, "baseUrl"],
          message: `${choice.provider} needs one`,
        });
      }
      if (choice.keyFile === undefined && ["anthropic", "openai", "google"].includes(choice.provider)) {
        context.addIssue({
          code: "custom",
          path: ["models", index, "keyFile"],
          message: `${choice.provider} needs one`,
        });
      }
    });
  });

/** As written to disk: what role `agent` renders. */
export type AgentConfigInput = z.input<typeof agentConfigSchema>;
/** With defaults filled in: what the harness works with. */
export type AgentConfig = z.output<typeof agentConfigSchema>;
export type ModelConfig = AgentConfig["models"][number];
export type SandboxConfig = NonNullable<AgentConfig["sandbox"]>;
export type ForgeConfig = NonNullable<AgentConfig["forge"]>;
export type RepositoryConfig = ForgeConfig["repositories"][number];
export type ChatConfig = AgentConfig["chat"];

function isEgress(entry: string): boolean {
  return clientNames.some((name) => name === entry) || /^(\[[0-9a-f:]+\]|[\w-]+(\.[\w-]+)+)(:\d+)?$/i.test(entry);
}

function isTimezone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** Reads and checks a configuration. Throws E-AGENT-CONFIG naming every wrong field; never falls back to permissive values. */
export async function loadAgentConfig(path: string): Promise<AgentConfig> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw configError(`cannot read the agent's configuration: ${messageOf(cause)}`, path, cause);
  }
  return parseAgentConfig(text, path);
}

/** Like `loadAgentConfig` for text at hand; `path` is only named in errors. */
export function parseAgentConfig(text: string, path: string): AgentConfig {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw configError(`the agent's configuration is not JSON: ${messageOf(cause)}`, path, cause);
  }
  const parsed = agentConfigSchema.safeParse(data);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map((issue) => `${issue.path.join(".") || "(top)"}: ${issue.message}`);
  throw configError(`the agent's configuration is wrong:\n  ${wrong.join("\n  ")}`, path);
}

function configError(message: string, where: string, cause?: unknown): OlympusError {
  return new OlympusError(message, {
    code: "E-AGENT-CONFIG",
    exit: exitCodes.usage,
    where,
    hint: "the team file is its source: correct it there and run  npm run role -- setup agent --host <agent>",
    ...(cause === undefined ? {} : { cause }),
  });
}
