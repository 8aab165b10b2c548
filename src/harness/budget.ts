import type { AgentConfig, ModelConfig } from "./config.ts";
import type { ModelReply, ModelRequest } from "./model-port.ts";
import type { Store } from "./store/open.ts";
import { type Spent, spentByRun, spentSince } from "./store/steps.ts";
import { dayStart } from "./zone.ts";

type Price = NonNullable<ModelConfig["price"]>;

/** For hosted models whose price nobody wrote down: dearer than any, so that a budget is never passed unseen. */
const unknownPrice: Price = { input: 30, output: 150 };

function priceOf(choice: ModelConfig): Price {
  if (choice.price !== undefined) return choice.price;
  return choice.provider === "rehearsal" || choice.provider === "openai-compatible"
    ? { input: 0, output: 0 }
    : unknownPrice;
}

/** Tokens that a text has at most, roughly. Three bytes a token: few languages need more tokens, as one of Chinese has three bytes. */
export function estimatedTokens(text: string): number {
  return Buffer.byteLength(text) / 3;
}

/** What a request is at most, tokens: system prompt, tools and conversation. */
export function requestTokens({ system, messages, tools = [] }: ModelRequest): number {
  const texts = [
    system,
    ...tools.map((tool) => JSON.stringify(tool)),
    // A turn goes out in its provider's own parts or by its text and calls: whichever is more.
    ...messages.flatMap(({ content, calls, native }) => {
      const plain = calls === undefined ? content : content + JSON.stringify(calls);
      return native === undefined ? [plain] : [plain, JSON.stringify(native.content).slice(plain.length)];
    }),
  ];
  return Math.ceil(texts.reduce((sum, text) => sum + estimatedTokens(text), 0));
}

/** The most that a call may cost: US dollars, and tokens sent and received. */
export function worstCost(choice: ModelConfig, request: ModelRequest): Spent {
  const { input, output, cacheWrite = input } = priceOf(choice);
  const sent = requestTokens(request);
  return {
    usd: (sent * Math.max(input, cacheWrite) + request.maxOutputTokens * output) / 1e6,
    tokens: sent + request.maxOutputTokens,
  };
}

/** What a call did cost, US dollars. */
export function actualCost(choice: ModelConfig, reply: ModelReply): number {
  const { input, output, cachedInput = input, cacheWrite = input } = priceOf(choice);
  const written = reply.cacheWriteTokens ?? 0;
  const fresh = Math.max(0, reply.inputTokens - reply.cachedTokens - written);
  return (fresh * input + reply.cachedTokens * cachedInput + written * cacheWrite + reply.outputTokens * output) / 1e6;
}

/** A call that must not be made, in words for people; undefined when it fits. What runs side by side reserved counts as spent. */
export function overBudget(
  store: Store,
  { budget, timezone }: Pick<AgentConfig, "budget" | "timezone">,
  run: string,
  call: Spent,
  now: number,
): string | undefined {
  const byRun = spentByRun(store, run);
  const today = spentSince(store, dayStart(now, timezone));
  const passes = (spent: Spent, usd: number, tokens: number | undefined): boolean =>
    (call.usd > 0 && spent.usd + call.usd > usd) || (tokens !== undefined && spent.tokens + call.tokens > tokens);
  if (passes(byRun, budget.run, budget.runTokens)) return "it would pass the budget of one run";
  if (passes(today, budget.day, budget.dayTokens)) return "today's budget is used up";
  return undefined;
}

/** Of a day's budget, what is kept from new work: calls are not let past a budget, so that it is never quite reached. */
const dayShare = 0.95;

/** Which of a day's budgets holds no more work after what was spent of it, as far as can be said without a call; undefined where there is room. */
export function dayUsedUp(
  { usd, tokens }: Spent,
  { budget, limits, models }: Pick<AgentConfig, "budget" | "limits" | "models">,
): "budget" | "tokens" | undefined {
  // An answer alone may cost so much, whatever is asked.
  const least = Math.min(...models.map((choice) => (priceOf(choice).output * limits.outputTokens) / 1e6));
  if (usd >= budget.day * dayShare || (least > 0 && usd + least > budget.day)) return "budget";
  const { dayTokens } = budget;
  if (dayTokens === undefined) return undefined;
  return tokens >= dayTokens * dayShare || tokens + limits.outputTokens > dayTokens ? "tokens" : undefined;
}
