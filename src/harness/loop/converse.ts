import { maskSecrets, type Secret } from "../../base/secret.ts";
import { type Answer, ask, noAnswer } from "../ask.ts";
import { audit } from "../audit/audit.ts";
import type { Clock } from "../clock.ts";
import type { AgentConfig, SandboxConfig, WorkKind } from "../config.ts";
import type { Guard } from "../gates/destructive.ts";
import type { ModelMessage, ModelReply } from "../model-port.ts";
import type { ModelRouter } from "../router.ts";
import type { Store } from "../store/open.ts";
import { recordStep } from "../store/steps.ts";
import { turnsOf } from "../store/turns.ts";
import type { Tool } from "../tools/tool.ts";
import { workTool } from "../tools/work.ts";
import { workOn } from "./code.ts";
import { type LoopParts, type NextStep, runLoop } from "./loop.ts";
import type { Workshop } from "./workshop.ts";

export interface ConverseParts {
  readonly config: AgentConfig;
  readonly store: Store;
  readonly router: ModelRouter;
  readonly clock: Clock;
  /** Undefined for an agent that does not develop: it only answers. */
  readonly workshop?: Workshop;
  /** What must not get out, in any form. */
  readonly secrets?: readonly Secret[];
}

export interface Wanted {
  readonly run: string;
  readonly system: string;
  readonly messages: readonly ModelMessage[];
  /** Name of the person who asked, where it was one. */
  readonly person: string | undefined;
  readonly signal: AbortSignal;
  /** What people said meanwhile: each is given once, and has to become part of the conversation at once. */
  readonly heard?: () => Promise<readonly ModelMessage[]>;
  /** Told of each call of a tool that was run, in a few words. */
  readonly ran?: (what: string) => void;
  /** Looks at scripts before a shell runs them. */
  readonly guard: Guard | undefined;
  /** What may be done beside working with a shell. */
  readonly tools?: readonly Tool[];
}

/** Tokens that a model takes where the configuration does not say. */
const usualWindow = 128_000;

/** Answers in chat. An agent that develops may hand the work over to a shell in between; the answer says what came of it. */
export async function converse(parts: ConverseParts, wanted: Wanted): Promise<Answer> {
  const { config, router, workshop } = parts;
  const { run, system, messages, signal, tools = [] } = wanted;
  const settings = config.sandbox;
  const develops = workshop !== undefined && settings !== undefined;
  if (!develops && tools.length === 0) return ask(router, config, { run, kind: "chat", system, messages, signal });
  const all = develops ? [workToolOf(parts, wanted, workshop, settings), ...tools] : tools;
  const chat = { ...loopParts(parts, wanted, "chat"), tools: all, textEnds: true };
  const { text, outcome } = await runLoop(chat, system, messages, signal);
  return { text, outcome };
}

function workToolOf(parts: ConverseParts, wanted: Wanted, workshop: Workshop, settings: SandboxConfig): Tool {
  const { config } = parts;
  const { run } = wanted;
  return workTool(async (task, stopping) => {
    const { text, outcome } = await workOn(
      {
        ...loopParts(parts, wanted, "code", taskPart(parts.store, run)),
        workshop,
        settings,
        run,
        guard: wanted.guard,
        persona: `You are ${config.agent}, an AI employee of the team "${config.team}". ${config.persona}`,
        redact: (printed) => maskSecrets(printed, parts.secrets ?? []),
      },
      task,
      stopping,
    );
    return { answer: text, outcome };
  });
}

/** Each task of a run has a conversation of its own. Tasks that came to an end are counted: after a crash the one under way is found again. */
function taskPart(store: Store, run: string): string {
  const done = turnsOf(store, run, "chat")
    .load()
    .filter(({ role, call }) => role === "tool" && call?.name === "work").length;
  return done === 0 ? "code" : `code-${done}`;
}

/** A loop of a run's work of one kind: its model, limits and journal, which is kept as `part`. */
export function loopParts(
  parts: ConverseParts,
  { run, person, heard, ran }: Pick<Wanted, "run" | "person" | "heard" | "ran">,
  kind: "chat" | "code",
  part: string = kind,
): Omit<LoopParts, "tools" | "textEnds"> {
  const { config, store, clock } = parts;
  const { chatSteps, chatMinutes, codeSteps, codeMinutes } = config.limits;
  const [steps, minutes] = kind === "chat" ? [chatSteps, chatMinutes] : [codeSteps, codeMinutes];
  return {
    next: nextStep(parts, run, kind),
    limits: { steps, time: minutes * 60_000, window: windowOf(config, kind) },
    clock,
    journal: turnsOf(store, run, part),
    person,
    ...(heard && { heard }),
    refused: ({ name }) => audit(store, { kind: "refusal", actor: "model", what: `call ${name}`, run }, clock.now()),
    ran: (call, outcome, tookMs) => {
      const first = outcome.sensitive
        ? "released"
        : outcome.text.slice(0, outcome.text.indexOf("\n") + 1 || 100).trim();
      const detail = `${call.name}: ${first}`;
      ran?.(detail);
      recordStep(store, { run, kind: "tool", at: clock.now() - tookMs, tookMs, outcome: "ok", detail });
    },
  };
}

function nextStep({ router, config, secrets = [] }: ConverseParts, run: string, kind: WorkKind): NextStep {
  return async (request, shrink, signal) => {
    const whole = { ...request, maxOutputTokens: config.limits.outputTokens };
    const result = await router.call({ run, kind, request: whole, shrink, signal });
    return result.ok
      ? { reply: withoutKnown(result.reply, secrets), messages: result.messages }
      : { failed: noAnswer(result) };
  };
}

/** A step without the secrets that we know: what a model asks for is run, kept and shown to the next one. An answer is looked at where it leaves. */
function withoutKnown(reply: ModelReply, secrets: readonly Secret[]): ModelReply {
  const written = JSON.stringify(reply);
  const masked = reply.calls === undefined ? written : maskSecrets(written, secrets);
  return masked === written ? reply : (JSON.parse(masked) as ModelReply);
}

/** The smallest window of the models that may be asked: each must take the conversation. */
function windowOf({ models }: AgentConfig, kind: WorkKind): number {
  const asked = models.filter(({ for: kinds }) => kinds?.includes(kind) ?? true);
  return Math.min(...asked.map(({ window }) => window ?? usualWindow));
}
