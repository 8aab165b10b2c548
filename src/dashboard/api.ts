import type * as z from "zod";
import { linksAfter } from "../harness/audit/audit.ts";
import type { Gate } from "../harness/gates/gate.ts";
import { waitsFor } from "../harness/gates/people.ts";
import type { Look } from "./look.ts";
import * as schemas from "./schemas.ts";

/** One address of the API that is only read. Both what answers and its description are made of this. */
export interface ApiRoute {
  /** With `{id}` where a part of it is a value. */
  readonly path: string;
  readonly summary: string;
  readonly query: z.ZodType;
  readonly response: z.ZodType;
  /** Undefined when there is no such thing. Throws ZodError for a query that is wrong. */
  readonly answer: (look: Look, query: unknown, id: string) => object | undefined;
}

function route<Q extends z.ZodType, R extends z.ZodType>(
  path: string,
  summary: string,
  query: Q,
  response: R,
  answer: (look: Look, query: z.output<Q>, id: string) => z.input<R> | undefined,
): ApiRoute {
  return {
    path,
    summary,
    query,
    response,
    answer: (look, given, id) => answer(look, query.parse(given), id) as object | undefined,
  };
}

const version = 1 as const;

export const apiRoutes: readonly ApiRoute[] = [
  route(
    "/api/status",
    "What the agent does now, and whether it is well",
    schemas.noQuery,
    schemas.statusSchema,
    (look) => {
      const { harness, ...status } = look.status();
      return {
        ...status,
        harness,
        models: [...status.models],
        gates: [...status.gates],
        runs: [...status.runs],
        dropped: [...status.dropped],
        forge: status.forge && [...status.forge],
      } as z.input<typeof schemas.statusSchema>;
    },
  ),
  route(
    "/api/cost",
    "Cost by day and model, the last days",
    schemas.costQuery,
    schemas.costSchema,
    (look, { days }) => ({
      version,
      agent: look.config.agent,
      days: look.cost(["day", "provider", "model"], days),
    }),
  ),
  route(
    "/api/runs",
    "Runs, the newest first",
    schemas.runsApiQuery,
    schemas.runsSchema,
    (look, { count, ...filter }) => {
      const { rows, searched } = look.runs(filter, count);
      return { version, runs: rows as z.input<typeof schemas.runSchema>[], searched };
    },
  ),
  route(
    "/api/runs/{id}",
    "One run with its answer and its steps: a thousand of them, the newest last",
    schemas.skipQuery,
    schemas.runDetailSchema,
    (look, { skip }, id) => {
      const found = look.run(id);
      if (found === undefined) return undefined;
      const { payload, ...run } = found;
      return {
        version,
        run: run as z.input<typeof schemas.runDetailSchema>["run"],
        asked: textOf(payload),
        steps: look.steps(id, 1000, skip),
        answer: look.parts(id).map((part) => ({
          text: textOf(part.payload),
          state: part.state,
          sent_at: part.sent_at,
          error: part.error,
        })),
      };
    },
  ),
  route(
    "/api/runs/{id}/messages",
    "What harness and model said to one another in one of the newest hundred runs: forty messages, the newest last",
    schemas.skipQuery,
    schemas.messagesSchema,
    (look, { skip }, id) =>
      look.run(id) && {
        version,
        messages: look.messages(id, 40, skip).map((one) => ({ ...one, calls: [...one.calls] })),
      },
  ),
  route(
    "/api/runs/{id}/changes",
    "What one of the newest hundred runs changed in repositories, as diffs",
    schemas.noQuery,
    schemas.changesSchema,
    (look, _, id) => look.run(id) && { version, changes: look.changes(id) },
  ),
  route(
    "/api/conversations",
    "Conversations, the newest first",
    schemas.beforeQuery,
    schemas.conversationsSchema,
    (look, { before }) => ({ version, conversations: look.conversations(before ?? Number.MAX_SAFE_INTEGER, 40) }),
  ),
  route(
    "/api/conversations/{id}",
    "What was said in one conversation: a hundred posts, the newest last",
    schemas.skipQuery,
    schemas.conversationSchema,
    (look, { skip }, id) => {
      const { said, all } = look.conversation(id, 100, skip);
      return all === 0 ? undefined : { version, said };
    },
  ),
  route(
    "/api/memory",
    "What the agent was asked to remember",
    schemas.textQuery,
    schemas.memorySchema,
    (look, { text }) => ({
      version,
      notes: look.notes(text, 100),
    }),
  ),
  route(
    "/api/gates",
    "Gates that may still lead to something, the oldest first",
    schemas.noQuery,
    schemas.gatesSchema,
    (look) => ({
      version,
      gates: look.gates().map((gate) => toldGate(look, gate)),
    }),
  ),
  route(
    "/api/audit",
    "The audit log as it is stored, after one entry",
    schemas.auditQuery,
    schemas.auditSchema,
    (look, { after, count }) => ({ version, agent: look.config.agent, links: linksAfter(look.store, after, count) }),
  ),
  route("/api/log", "The newest lines of the log", schemas.logQuery, schemas.logSchema, (look, { level, text }) => ({
    version,
    lines: look.log(level, text, 200),
  })),
];

function toldGate(look: Look, gate: Gate): z.input<typeof schemas.gateSchema> {
  const { id, action, repo, number, commit, run, state, kinds, question, createdAt, expiresAt, openedBy } = gate;
  const about = { id, action, repo, number, commit, run, state, question, createdAt, expiresAt, openedBy };
  return { ...about, kinds: [...kinds], waitsFor: look.now() < expiresAt ? waitsFor(look.config, gate) : [] };
}

function textOf(payload: string): string {
  const { text } = JSON.parse(payload) as { text?: unknown };
  return typeof text === "string" ? text : "";
}
