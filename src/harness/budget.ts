import type { AgentConfig, ModelConfig } from "./config.ts";
import type { ModelReply, ModelRequest } from "./model-port.ts";
import type { Store } from "./store/open.ts";
import { spentByRun, spentSince } from "./store/steps.ts";

/** For hosted models whose price nobody wrote down: dearer than any, so that a budget is never passed unseen. */
const unknownPrice = { input: 30, output: 150 };

function priceOf(choice: ModelConfig): { input: number; output: number; cachedInput?: number | undefined } {
  if (choice.price !== undefined) return choice.price;
  return choice.provider === "rehearsal" || choice.provider === "openai-compatible"
    ? { input: 0, output: 0 }
    : unknownPrice;
}

/** Tokens that a text has at most, roughly. Three bytes a token: few languages need more tokens, as one of Chinese has three bytes. */
export function estimatedTokens(text: string): number {
  return Buffer.byteLength(text) / 3;
}

/** The most that a call may cost, US dollars. */
export function worstCost(choice: ModelConfig, request: ModelRequest): number {
  const price = priceOf(choice);
  const texts = [request.system, ...request.messages.map(({ content }) => content)];
  const tokens = texts.reduce((sum, text) => sum + estimatedTokens(text), 0);
  return (tokens * price.input + request.maxOutputTokens * price.output) / 1e6;
}

/** What a call did cost, US dollars. */
export function actualCost(choice: ModelConfig, reply: ModelReply): number {
  const price = priceOf(choice);
  const fresh = Math.max(0, reply.inputTokens - reply.cachedTokens);
  const cached = reply.cachedTokens * (price.cachedInput ?? price.input);
  return (fresh * price.input + cached + reply.outputTokens * price.output) / 1e6;
}

/** Whether a call that may cost `usd` fits; the budget that it would pass otherwise. What runs side by side reserved counts as spent. */
export function checkBudget(
  store: Store,
  config: AgentConfig,
  run: string,
  usd: number,
  now: number,
): "ok" | "run" | "day" {
  if (usd === 0) return "ok";
  if (spentByRun(store, run) + usd > config.budget.run) return "run";
  if (spentSince(store, dayStart(now, config.timezone)) + usd > config.budget.day) return "day";
  return "ok";
}

/** Midnight of the day that `now` is in, at a time zone, ms. On a day with a clock change it may be an hour off; nothing depends on that hour. */
export function dayStart(now: number, timezone: string): number {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: timezone,
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  }).formatToParts(now);
  const part = (type: string) => Number(parts.find((candidate) => candidate.type === type)!.value);
  return now - ((part("hour") * 60 + part("minute")) * 60 + part("second")) * 1000 - (now % 1000);
}
