import { actualCost, checkBudget, worstCost } from "./budget.ts";
import { backoff, type Clock } from "./clock.ts";
import type { AgentConfig, ModelConfig } from "./config.ts";
import type { Log } from "./log.ts";
import {
  type ModelCaller,
  ModelError,
  type ModelFailure,
  type ModelMessage,
  type ModelReply,
  type ModelRequest,
} from "./model-port.ts";
import type { Store } from "./store/open.ts";
import { reserveCall, settleCall } from "./store/steps.ts";

/** Tries of one model before the next one is asked. */
const triesPerModel = 2;
/** A wait that a provider asks for is granted up to this; beyond it the next model is quicker. */
const longestWaitMs = 20_000;

interface RouterParts {
  readonly config: AgentConfig;
  readonly store: Store;
  readonly models: ModelCaller;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Answer {
  readonly text: string;
  /** `answered`, or why not: the run's outcome. */
  readonly outcome: string;
}

/**
 * Asks the models in their order until one answers; every call is within the budgets and in the journal.
 * Never throws for what a provider or a budget does: then the text says so plainly. Throws the signal's reason when aborted.
 */
export async function ask(
  parts: RouterParts,
  run: string,
  system: string,
  messages: readonly ModelMessage[],
  signal: AbortSignal,
): Promise<Answer> {
  const { config, clock } = parts;
  const request: ModelRequest = { system, messages, maxOutputTokens: config.limits.outputTokens };
  const failures: string[] = [];
  for (const choice of config.models) {
    for (let attempt = 0; attempt < triesPerModel; attempt++) {
      const over = checkBudget(parts.store, config, run, worstCost(choice, request), clock.now());
      if (over !== "ok") {
        failures.push(
          `${label(choice)}: ${over === "day" ? "today's budget is used up" : "it would pass the budget of one run"}`,
        );
        break;
      }
      const result = await callOnce(parts, run, choice, request, signal);
      if (!(result instanceof ModelError)) return { text: result.text, outcome: "answered" };
      const wait = result.retryAfterMs ?? backoff(attempt, 500, 5000);
      if (!result.retryable || attempt + 1 === triesPerModel || wait > longestWaitMs) {
        failures.push(`${label(choice)}: ${result.failure}`);
        break;
      }
      await clock.wait(wait, signal);
    }
  }
  const budget = failures.every((failure) => failure.includes("budget"));
  return {
    text: `I cannot answer now: ${failures.join("; ")}. ${budget ? "A person who looks after my budget can raise it." : "Please try again later, or tell whoever looks after me."}`,
    outcome: budget ? "budget" : "models failed",
  };
}

/** Failures that no provider asks money for. After all others the reservation stays booked: what was sent may have been billed. */
const unbilled: ReadonlySet<ModelFailure> = new Set([
  "rate limited",
  "overloaded",
  "unreachable",
  "key refused",
  "request refused",
]);

async function callOnce(
  parts: RouterParts,
  run: string,
  choice: ModelConfig,
  request: ModelRequest,
  signal: AbortSignal,
): Promise<ModelReply | ModelError> {
  const { config, store, models, clock, log } = parts;
  const at = clock.now();
  const step = reserveCall(store, {
    run,
    kind: "model",
    at,
    outcome: "started",
    provider: choice.provider,
    model: choice.model,
    usd: worstCost(choice, request),
  });
  const limit = AbortSignal.timeout(Math.ceil(clock.scaled(config.limits.modelTimeout * 1000)));
  // Never throws: what was paid for must not be asked again because its cost could not be written. The reservation then stays booked.
  const settle = (result: Parameters<typeof settleCall>[2]) => {
    try {
      settleCall(store, step, { tookMs: clock.now() - at, ...result });
    } catch (error) {
      log.error({ run, error: String(error) }, "cannot book a model call, its reservation stays");
    }
  };
  try {
    const reply = await models.call(choice, request, AbortSignal.any([signal, limit]));
    const empty = reply.text.trim() === "" && (reply.calls ?? []).length === 0;
    settle({
      outcome: empty ? "empty answer" : "ok",
      inputTokens: reply.inputTokens,
      cachedTokens: reply.cachedTokens,
      outputTokens: reply.outputTokens,
      usd: actualCost(choice, reply),
      detail: reply.finish,
    });
    return empty ? new ModelError("empty answer", "the model answered nothing", { retryable: false }) : reply;
  } catch (cause) {
    if (signal.aborted) {
      settle({ outcome: "aborted" });
      throw signal.reason;
    }
    const error = limit.aborted
      ? new ModelError("timed out", `no answer within ${config.limits.modelTimeout} s`, { retryable: false, cause })
      : cause instanceof ModelError
        ? cause
        : new ModelError("failed", String(cause), { retryable: false, cause });
    settle({
      outcome: error.failure,
      detail: error.message.slice(0, 500),
      ...(unbilled.has(error.failure) ? { usd: 0 } : {}),
    });
    log.warn({ run, provider: choice.provider, model: choice.model, failure: error.failure }, "model call failed");
    return error;
  }
}

function label(choice: ModelConfig): string {
  return `${choice.provider}/${choice.model}`;
}
