import { maskSecrets, type Secret } from "../../base/secret.ts";
import { type Answer, ask, noAnswer } from "../ask.ts";
import type { Clock } from "../clock.ts";
import type { AgentConfig, WorkKind } from "../config.ts";
import type { ModelMessage } from "../model-port.ts";
import type { ModelRouter } from "../router.ts";
import type { Store } from "../store/open.ts";
import { recordStep } from "../store/steps.ts";
import { turnsOf } from "../store/turns.ts";
import { workTool } from "../tools/work.ts";
import { workOn } from "./code.ts";
import { type LoopLimits, type LoopParts, type NextStep, runLoop } from "./loop.ts";
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
  readonly heard?: () => readonly string[];
  /** Told of each call of a tool that was run, in a few words. */
  readonly ran?: (what: string) => void;
}

/** Tokens that a model takes where the configuration does not say. */
const usualWindow = 128_000;

/** Answers in chat. An agent that develops may hand the work over to a shell in between; the answer says what came of it. */
export async function converse(parts: ConverseParts, wanted: Wanted): Promise<Answer> {
  const { config, router, workshop } = parts;
  const { run, system, messages, person, signal, heard } = wanted;
  const settings = config.sandbox;
  if (workshop === undefined || settings === undefined)
    return ask(router, config, { run, kind: "chat", system, messages, signal });
  const shared = (kind: WorkKind, limits: LoopLimits) =>
    ({
      next: nextStep(parts, run, kind),
      limits,
      clock: parts.clock,
      journal: turnsOf(parts.store, run, kind),
      person,
      ...(heard && { heard }),
      ran: (call, outcome, tookMs) => {
        const detail = `${call.name}: ${outcome.text.slice(0, outcome.text.indexOf("\n") + 1 || 100).trim()}`;
        wanted.ran?.(detail);
        recordStep(parts.store, {
          run,
          kind: "tool",
          at: parts.clock.now() - tookMs,
          tookMs,
          outcome: "ok",
          detail,
        });
      },
    }) satisfies Omit<LoopParts, "tools" | "textEnds">;
  const { chatSteps, chatMinutes, codeSteps, codeMinutes } = config.limits;
  const work = workTool(async (task, stopping) => {
    const { text, outcome } = await workOn(
      {
        ...shared("code", { steps: codeSteps, time: codeMinutes * 60_000, window: windowOf(config, "code") }),
        workshop,
        settings,
        run,
        persona: `You are ${config.agent}, an AI employee of the team "${config.team}". ${config.persona}`,
        redact: (printed) => maskSecrets(printed, parts.secrets ?? []),
      },
      task,
      stopping,
    );
    return { answer: text, outcome };
  });
  const chat = shared("chat", { steps: chatSteps, time: chatMinutes * 60_000, window: windowOf(config, "chat") });
  const { text, outcome } = await runLoop({ ...chat, tools: [work], textEnds: true }, system, messages, signal);
  return { text, outcome };
}

function nextStep({ router, config }: ConverseParts, run: string, kind: WorkKind): NextStep {
  return async (request, shrink, signal) => {
    const whole = { ...request, maxOutputTokens: config.limits.outputTokens };
    const result = await router.call({ run, kind, request: whole, shrink, signal });
    return result.ok ? { reply: result.reply, messages: result.messages } : { failed: noAnswer(result) };
  };
}

/** The smallest window of the models that may be asked: each must take the conversation. */
function windowOf({ models }: AgentConfig, kind: WorkKind): number {
  const asked = models.filter(({ for: kinds }) => kinds?.includes(kind) ?? true);
  return Math.min(...asked.map(({ window }) => window ?? usualWindow));
}
