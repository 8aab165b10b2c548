import * as z from "zod";
import { runStates } from "../harness/store/runs.ts";

/** Shapes of what the API answers, and of what it is asked. Its description is made of them. Times in ms since the epoch, money in US dollars. */

const time = z.number().describe("Milliseconds since the epoch.");
const money = z.number().describe("US dollars.");
const nullable = <T extends z.ZodType>(type: T) => z.union([type, z.null()]);

export const healthSchema = z.object({ status: z.literal("ok") });
export const readySchema = z.object({ status: z.enum(["ready", "degraded"]) });

export const harnessSchema = z.object({
  chat: z.enum(["connecting", "connected", "disconnected", "unauthorised"]),
  reason: z.string().optional().describe("Why not connected."),
  connectedAt: time.optional(),
  caughtUpAt: time.optional(),
  waiting: z.number(),
  waitingSince: time
    .optional()
    .describe("Since when the oldest of them could have been taken up, but for a pause; left out when none could."),
  running: z.array(z.object({ id: z.string(), lane: z.string(), kind: z.string(), since: time })),
  undelivered: z.number(),
  undeliveredSince: time.optional().describe("When the oldest of them was handed over."),
  draining: z.boolean(),
  paused: z
    .object({ by: z.string(), since: time })
    .optional()
    .describe("Nothing new is taken up until somebody says so."),
  failing: z
    .array(z.object({ model: z.string(), since: time, why: z.string() }))
    .describe("Models that are left alone because calls failed, or that refuse the key."),
});

export const summarySchema = z.object({
  id: z.string(),
  lane: z.string(),
  kind: z.string(),
  state: z.enum(runStates),
  outcome: nullable(z.string()),
  author: z.string(),
  started_at: time,
  ended_at: nullable(time),
  usd: money,
});

export const statusSchema = z.object({
  version: z.literal(1),
  agent: z.string(),
  team: z.string(),
  rehearsal: z.boolean(),
  models: z.array(z.string()),
  gates: z
    .array(z.object({ what: z.string(), since: time, who: z.array(z.string()).describe("Who may.") }))
    .describe("What people are asked to allow."),
  build: z.string().describe("Hash of the program; empty where it runs from its sources."),
  quietSince: time.optional().describe("When the run under way that shows least life did something last."),
  startedAt: time,
  now: time,
  memoryMb: z.number(),
  spentToday: money,
  budgetDay: money,
  overBudget: z.boolean().describe("What is left of the day's money or tokens is too little for a call."),
  harness: harnessSchema,
  tools: z.object({ state: z.enum(["none", "starting", "on", "off"]), reason: z.string().optional() }),
  forge: z
    .array(z.string())
    .optional()
    .describe("What keeps it from seeing the forge; left out without a place there."),
  disk: z.string().optional().describe("What is wrong with the disk; left out while there is room."),
  runs: z.array(summarySchema),
  dropped: z.array(z.object({ run: z.string(), at: nullable(time), reason: z.string() })),
});

const dayCostSchema = z.object({
  day: z.string(),
  provider: z.string(),
  model: z.string(),
  calls: z.number(),
  failed: z.number(),
  inputTokens: z.number(),
  cachedTokens: z.number(),
  outputTokens: z.number(),
  usd: money,
  tookMs: z.number(),
});

export const costSchema = z.object({ version: z.literal(1), agent: z.string(), days: z.array(dayCostSchema) });

export const runSchema = summarySchema.extend({ steps: z.number(), asked: z.string() });
export const runsSchema = z.object({
  version: z.literal(1),
  runs: z.array(runSchema),
  searched: time.optional().describe("Words were looked for back to there: ask again with it as `before`."),
});

export const stepSchema = z.object({
  id: z.number(),
  run: z.string(),
  kind: z.string(),
  at: time,
  took_ms: z.number(),
  outcome: z.string(),
  provider: nullable(z.string()),
  model: nullable(z.string()),
  input_tokens: nullable(z.number()),
  cached_tokens: nullable(z.number()),
  output_tokens: nullable(z.number()),
  usd: nullable(money),
  detail: nullable(z.string()),
});

export const runDetailSchema = z.object({
  version: z.literal(1),
  run: runSchema.extend({ starts: z.number(), source: z.string(), source_id: z.string(), received_at: time }),
  asked: z.string(),
  steps: z.array(stepSchema),
  answer: z.array(
    z.object({ text: z.string(), state: z.string(), sent_at: nullable(time), error: nullable(z.string()) }),
  ),
});

export const messagesSchema = z.object({
  version: z.literal(1),
  messages: z.array(
    z.object({
      part: z.string().describe("Which conversation of the run: `chat`, or work that it handed over."),
      seq: z.number().describe("Its number there."),
      role: z.enum(["user", "assistant", "tool"]),
      text: z.string(),
      calls: z.array(z.object({ name: z.string(), input: z.unknown() })).describe("Tools that the model called."),
      of: nullable(z.string()).describe("Of a tool: which."),
    }),
  ),
});

export const changesSchema = z.object({
  version: z.literal(1),
  changes: z.array(z.object({ repo: z.string(), head: z.string().describe("The commit."), diff: z.string() })),
});

export const conversationsSchema = z.object({
  version: z.literal(1),
  conversations: z.array(
    z.object({ lane: z.string(), runs: z.number(), last_at: time, author: z.string(), asked: z.string() }),
  ),
});

export const conversationSchema = z.object({
  version: z.literal(1),
  said: z.array(
    z.object({
      run: z.string(),
      author: nullable(z.string()).describe("Null for the agent."),
      at: time,
      text: z.string(),
      state: z.string(),
    }),
  ),
});

export const memorySchema = z.object({
  version: z.literal(1),
  notes: z.array(
    z.object({
      id: z.number(),
      kind: z.enum(["note", "fact"]),
      text: z.string(),
      author: z.string(),
      name: z.string(),
      at: time,
      source: z.string(),
    }),
  ),
});

export const gateSchema = z.object({
  id: z.string().describe("What it is approved or refused by."),
  action: z.string(),
  repo: z.string(),
  number: z.number(),
  commit: z.string().describe("Empty for an act without one."),
  run: z.string(),
  state: z.enum(["waiting", "asked", "open", "done", "closed"]),
  kinds: z.array(z.string()),
  waitsFor: z.array(z.string()).describe("People who may open it."),
  question: z.string().optional(),
  createdAt: time,
  expiresAt: time,
  openedBy: z.string().optional(),
});
export const gatesSchema = z.object({ version: z.literal(1), gates: z.array(gateSchema) });

export const logSchema = z.object({
  version: z.literal(1),
  lines: z.array(z.object({ seq: z.number(), at: time, level: z.string(), message: z.string(), fields: z.string() })),
});

const count = (most: number, usual: number) => z.coerce.number().int().min(1).max(most).default(usual);
/** What a form leaves empty is not asked for. */
const text = z
  .string()
  .max(200)
  .optional()
  .transform((value) => (value === "" ? undefined : value));

export const runsQuery = z.object({
  state: text,
  kind: text,
  author: text,
  text,
  before: z.coerce.number().int().positive().optional().describe("Began before this time."),
});
export const runsApiQuery = runsQuery.extend({ count: count(200, 40) });
export const costQuery = z.object({ days: count(366, 1) });
export const beforeQuery = z.object({ before: z.coerce.number().int().positive().optional() });
export const skipQuery = z.object({
  skip: z.coerce.number().int().min(0).default(0).describe("So many of the newest are left out: the page before."),
});
export const textQuery = z.object({ text: z.string().max(200).default("") });
export const logQuery = textQuery.extend({ level: z.enum(["debug", "info", "warn", "error"]).default("info") });
export const auditQuery = z.object({ after: z.coerce.number().int().min(0).default(0), count: count(1000, 500) });
export const auditSchema = z.object({
  version: z.literal(1),
  agent: z.string(),
  links: z.array(z.object({ seq: z.number(), entry: z.string(), hash: z.string() })),
});
export const noQuery = z.object({});

export const linkSchema = z.object({ person: z.string().min(1).max(60) });
export const linkAnswerSchema = z.object({ version: z.literal(1), code: z.string(), seconds: z.number() });
export const doneSchema = z.object({ version: z.literal(1), done: z.literal(true) });
export const errorSchema = z.object({ error: z.string() });
