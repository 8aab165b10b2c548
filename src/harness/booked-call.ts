import { actualCost } from "./budget.ts";
import type { ModelConfig } from "./config.ts";
import { ModelError, type ModelFailure, type ModelReply, type ModelRequest } from "./model-port.ts";
import type { RouterParts } from "./router.ts";
import { reserveCall, type Spent, settleCall } from "./store/steps.ts";
import { dayName } from "./zone.ts";

/** Failures that no provider asks money for. After all others the reservation stays booked: what was sent may have been billed. */
const unbilled: ReadonlySet<ModelFailure> = new Set([
  "rate limited",
  "overloaded",
  "unreachable",
  "key refused",
  "request refused",
  "too long",
]);

/**
 * One call with its line in the journal: `worst` is reserved before it leaves, what it did cost replaces that afterwards. Gives the
 * failure of a call that gave no answer; throws only the signal's reason.
 */
export async function bookedCall(
  { config, store, models, clock, log }: RouterParts,
  run: string,
  choice: ModelConfig,
  request: ModelRequest,
  worst: Spent,
  signal: AbortSignal,
): Promise<ModelReply | ModelError> {
  const at = clock.now();
  const { provider, model } = choice;
  const step = reserveCall(store, {
    run,
    at,
    day: dayName(at, config.timezone),
    provider,
    model,
    usd: worst.usd,
    inputTokens: worst.tokens - request.maxOutputTokens,
    outputTokens: request.maxOutputTokens,
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
    const useless = uselessness(reply);
    settle({
      outcome: useless ?? "ok",
      // Budgets hold also for a server that does not say what it took: the reservation stays.
      ...(reply.unmetered === true ? {} : taken(choice, reply)),
      detail: reply.finish,
    });
    return useless === undefined ? reply : new ModelError(useless, reply.finish, { retryable: false });
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
      ...(unbilled.has(error.failure) ? { usd: 0, inputTokens: 0, outputTokens: 0 } : {}),
    });
    log.warn({ run, provider, model, failure: error.failure }, "model call failed");
    return error;
  }
}

function taken(choice: ModelConfig, reply: ModelReply) {
  const { inputTokens, cachedTokens, outputTokens } = reply;
  return { inputTokens, cachedTokens, outputTokens, usd: actualCost(choice, reply) };
}

/** Why a reply answers nothing: refused by the model or its provider (what it wrote until then does not count), or without a word. */
function uselessness({ finish, text, calls = [] }: ModelReply): ModelFailure | undefined {
  if (finish === "content-filter") return "declined to answer";
  return text.trim() === "" && calls.length === 0 ? "empty answer" : undefined;
}
