import * as z from "zod";
import type { SecretStore } from "../../secrets/store.ts";
import { statusSchema, summarySchema } from "../dashboard/schemas.ts";
import { type AgentStatus, isReady } from "../dashboard/status.ts";
import type { Machine } from "../team/model.ts";
import { askDashboard, oddAnswer } from "./ask-dashboard.ts";

/** What an agent says of itself, as people at the team's page and in `status` want it. Times in ms since the epoch, money in US dollars. */
export interface AgentFacts {
  /** In words: `idle`, `working on 2, the first for 5 min`. */
  readonly does: string;
  /** When its newest work that is done ended; undefined: none is known. */
  readonly lastAnswer: number | undefined;
  readonly working: number;
  readonly waiting: number;
  readonly spentToday: number;
  readonly budgetDay: number;
  readonly build: string;
  readonly startedAt: number;
  readonly rehearsal: boolean;
  readonly memoryMb: number;
}

export interface AgentAnswer {
  readonly state: "fine" | "attention" | "broken" | "unreachable";
  readonly detail: string;
  /** The command that helps, without what starts it; empty when all is well. */
  readonly next: "" | "logs" | "doctor" | "open";
  readonly facts?: AgentFacts;
  /** Of its machine nothing came at all. */
  readonly silent?: boolean;
}

/** What is read of an agent's answer: more may be in it, and one that was set up before may say less. */
const answerSchema = statusSchema
  .omit({ version: true, agent: true, team: true, models: true, dropped: true })
  .partial({ build: true, overBudget: true })
  .extend({
    harness: statusSchema.shape.harness.partial({ failing: true }),
    gates: z.array(statusSchema.shape.gates.element.partial({ who: true })).optional(),
    runs: z.array(summarySchema.pick({ state: true, ended_at: true })).optional(),
  });

/** A run without a sign of life for this long is stuck: model calls and commands have shorter limits. */
const stuckMs = 20 * 60_000;
/** What could be taken up, or delivered, is at once: after this long nobody is at it, however well the process answers. */
const idleMs = 5 * 60_000;

/**
 * Asks an agent for its state, by its own token: an answer means that its process, its database and its view of the chat work, which a
 * pid does not.
 */
export async function askAgent(
  machine: Machine,
  secrets: SecretStore,
  signal: AbortSignal,
  port?: number,
): Promise<AgentAnswer> {
  const asked = await askDashboard(machine, secrets, "/api/status", z.unknown(), signal, port);
  if (asked.unreached === undefined) return readAnswer(asked.answer);
  const { unreached, silent } = asked;
  return { state: "unreachable", detail: `agent: not reachable, ${unreached}`, next: "doctor", silent };
}

/** Pure. Any program may listen there, and say anything. */
export function readAnswer(answer: unknown): AgentAnswer {
  const { success, error } = answerSchema.safeParse(answer);
  if (success) return judged(answer as AgentStatus);
  const no = typeof answer !== "object" || answer === null || !("harness" in answer);
  const what = no ? "something answers in its place that is no agent" : oddAnswer(error);
  return { state: "broken", detail: `agent: ${what}`, next: "doctor" };
}

/** Pure. What is worst is said first and decides. */
export function judged(status: AgentStatus): AgentAnswer {
  const { harness, now, spentToday, budgetDay, tools, quietSince } = status;
  const broken: string[] = [];
  const attention: string[] = [];
  if (harness.chat !== "connected")
    broken.push(`chat ${harness.chat}${harness.reason === undefined ? "" : `: ${harness.reason}`}`);
  else if (!isReady({ harness })) attention.push(harness.draining ? "is stopping" : "catching up with the chat");
  for (const trouble of status.forge ?? []) broken.push(`forge ${trouble}`);
  // One that was set up before it said so leaves them out.
  const failing = (harness.failing ?? []).map(({ model, since, why }) => `${model}: ${why}, ${minutes(now - since)}`);
  // Another model does its work; without any it does none.
  if (failing.length > 0) (failing.length < status.models.length ? attention : broken).push(...failing);
  if (status.disk !== undefined) broken.push(status.disk);
  if (tools.state === "off") broken.push(`no shell${tools.reason === undefined ? "" : `: ${tools.reason}`}`);
  if (quietSince !== undefined && now - quietSince > stuckMs)
    broken.push(`stuck: no sign of life in its work for ${minutes(now - quietSince)}`);
  broken.push(...leftLying(status));
  // It stops short of its budget; one that was set up before it said so knows only what it spent.
  if (status.overBudget ?? spentToday >= budgetDay)
    attention.push(`today's budget of $${budgetDay.toFixed(2)} is used up`);
  // An agent that was set up before there were gates says nothing of them.
  for (const { what, since, who } of status.gates ?? [])
    attention.push(`waits for ${who?.join(" or ") || "an approval"}: ${what}, ${minutes(now - since)}`);
  if (harness.paused !== undefined)
    attention.push(`paused by ${harness.paused.by} ${minutes(now - harness.paused.since)} ago`);
  const does =
    harness.running.length === 0
      ? "idle"
      : `working on ${harness.running.length}, the first for ${minutes(now - Math.min(...harness.running.map(({ since }) => since)))}`;
  const done = (status.runs ?? []).flatMap(({ state, ended_at }) => (state === "done" ? [ended_at ?? 0] : []));
  const facts: AgentFacts = {
    does,
    lastAnswer: done.length > 0 ? Math.max(...done) : undefined,
    working: harness.running.length,
    waiting: harness.waiting,
    spentToday,
    budgetDay,
    // One that was set up before it said so has none.
    build: status.build ?? "",
    startedAt: status.startedAt,
    rehearsal: status.rehearsal,
    memoryMb: status.memoryMb,
  };
  const detail = `agent: ${[...broken, ...attention, does, ...(harness.waiting > 0 ? [`${harness.waiting} waiting`] : [])].join(", ")}`;
  if (broken.length > 0) return { state: "broken", detail, next: "logs", facts };
  if (attention.length > 0) return { state: "attention", detail, next: "open", facts };
  return { state: "fine", detail, next: "", facts };
}

/** What the agent should have done long ago, in words. What waited before it started, or before the chat was back, waits since then. */
function leftLying({ harness, now, startedAt }: AgentStatus): string[] {
  const { chat, connectedAt = 0, draining, paused, running, waitingSince, undeliveredSince } = harness;
  if (draining) return [];
  const told: string[] = [];
  const waits = waitingSince === undefined ? 0 : now - Math.max(waitingSince, startedAt);
  if (paused === undefined && running.length === 0 && waits > idleMs)
    told.push(`stuck: work waits for ${minutes(waits)}, and it begins none`);
  // A run stays under way until its answer is delivered: that something runs excuses nothing here.
  const owed = undeliveredSince === undefined ? 0 : now - Math.max(undeliveredSince, startedAt, connectedAt);
  if (chat === "connected" && owed > idleMs) told.push(`stuck: an answer is not delivered for ${minutes(owed)}`);
  return told;
}

function minutes(ms: number): string {
  const all = Math.max(0, Math.floor(ms / 60_000));
  return all < 120 ? `${all} min` : `${Math.floor(all / 60)} h`;
}
