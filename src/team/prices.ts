import type { ModelChoice } from "./schema.ts";

/** US dollars per million tokens, and the tokens of a conversation for which these prices hold. */
export interface ListPrice {
  readonly input: number;
  readonly output: number;
  /** Tokens that the provider had in its cache. */
  readonly cachedInput?: number;
  /** Tokens that it put into its cache. */
  readonly cacheWrite?: number;
  readonly window: number;
}

/** Where the table is from and of which day: shown to whoever relies on it. */
export const pricesFrom =
  "model_prices_and_context_window_backup.json of litellm 1.109.1 (MIT), read on 21 November 2026; compare with your provider's own list";

/**
 * What the providers asked for on that day. A model's `price` in the team file stands in for its row. Where long conversations cost
 * more, the window ends where that begins.
 */
const prices: Readonly<Record<string, Readonly<Record<string, ListPrice>>>> = {
  anthropic: {
    "claude-opus-5-5": { input: 4, output: 20, cachedInput: 0.2, cacheWrite: 5, window: 1_000_000 },
    "claude-opus-5": { input: 5, output: 25, cachedInput: 0.5, cacheWrite: 6.25, window: 1_000_000 },
    "claude-opus-4-8": { input: 5, output: 25, cachedInput: 0.5, cacheWrite: 6.25, window: 1_000_000 },
    "claude-opus-4-5": { input: 5, output: 25, cachedInput: 0.5, cacheWrite: 6.25, window: 200_000 },
    "claude-sonnet-5-5": { input: 2, output: 10, cachedInput: 0.1, cacheWrite: 2.5, window: 1_000_000 },
    "claude-sonnet-5": { input: 2, output: 10, cachedInput: 0.2, cacheWrite: 2.5, window: 1_000_000 },
    "claude-sonnet-4-6": { input: 3, output: 15, cachedInput: 0.3, cacheWrite: 3.75, window: 1_000_000 },
    "claude-sonnet-4-5": { input: 3, output: 15, cachedInput: 0.3, cacheWrite: 3.75, window: 200_000 },
    "claude-haiku-5-5": { input: 0.1, output: 0.5, cachedInput: 0.01, cacheWrite: 0.125, window: 1_000_000 },
    "claude-haiku-4-5": { input: 1, output: 5, cachedInput: 0.1, cacheWrite: 1.25, window: 200_000 },
  },
  openai: {
    "gpt-6.1-sol": { input: 2, output: 10, cachedInput: 0.1, cacheWrite: 2.5, window: 272_000 },
    "gpt-6.1-terra": { input: 1, output: 5, cachedInput: 0.05, cacheWrite: 1.25, window: 272_000 },
    "gpt-6-sol": { input: 2, output: 10, cachedInput: 0.2, cacheWrite: 2.5, window: 272_000 },
    "gpt-6-luna": { input: 0.1, output: 0.5, cachedInput: 0.01, cacheWrite: 0.125, window: 272_000 },
    "gpt-5.6": { input: 4, output: 20, cachedInput: 0.4, cacheWrite: 5, window: 272_000 },
    "gpt-5.5": { input: 5, output: 30, cachedInput: 0.5, window: 272_000 },
    "gpt-5.4": { input: 2.5, output: 15, cachedInput: 0.25, window: 272_000 },
    "gpt-5.4-mini": { input: 0.75, output: 4.5, cachedInput: 0.075, window: 272_000 },
    "gpt-5.2": { input: 1.75, output: 14, cachedInput: 0.175, window: 272_000 },
    "gpt-5.1": { input: 1.25, output: 10, cachedInput: 0.125, window: 272_000 },
    "gpt-5": { input: 1.25, output: 10, cachedInput: 0.125, window: 272_000 },
    "gpt-5-mini": { input: 0.25, output: 2, cachedInput: 0.025, window: 272_000 },
    "gpt-5-nano": { input: 0.05, output: 0.4, cachedInput: 0.005, window: 272_000 },
    "gpt-4.1": { input: 2, output: 8, cachedInput: 0.5, window: 1_047_576 },
    "gpt-4.1-mini": { input: 0.4, output: 1.6, cachedInput: 0.1, window: 1_047_576 },
  },
  google: {
    "gemini-3.8-flash": { input: 0.75, output: 3.75, cachedInput: 0.075, window: 1_048_576 },
    "gemini-3.6-flash": { input: 0.75, output: 3.75, cachedInput: 0.075, window: 1_048_576 },
    "gemini-3.5-flash": { input: 1.5, output: 9, cachedInput: 0.15, window: 1_048_576 },
    "gemini-3.5-flash-lite": { input: 0.3, output: 2.5, cachedInput: 0.03, window: 1_048_576 },
    "gemini-3.1-pro-preview": { input: 2, output: 12, cachedInput: 0.2, window: 200_000 },
    "gemini-3-flash-preview": { input: 0.5, output: 3, cachedInput: 0.05, window: 1_048_576 },
    "gemini-2.5-pro": { input: 1.25, output: 10, cachedInput: 0.125, window: 200_000 },
    "gemini-2.5-flash": { input: 0.3, output: 2.5, cachedInput: 0.03, window: 1_048_576 },
    "gemini-2.5-flash-lite": { input: 0.1, output: 0.4, cachedInput: 0.01, window: 1_048_576 },
  },
};

/** What a model costs by the table; a date behind its name (`-20250929`, `-2025-08-07`) does not count. Undefined when it has no row. */
export function listPrice({ provider, model }: Pick<ModelChoice, "provider" | "model">): ListPrice | undefined {
  const rows = prices[provider] ?? {};
  return rows[model] ?? rows[model.replace(/-(\d{8}|\d{4}-\d{2}-\d{2})$/, "")];
}
