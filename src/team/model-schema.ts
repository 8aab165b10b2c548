import { z } from "zod";
import { dollarsField, nameField, tokensField } from "./fields.ts";

/** What models are asked for: answers in chat and by schedule, reviews, work on code. */
export const workKinds = ["chat", "review", "code"] as const;

const priceField = z.number().nonnegative("A price is not below zero.");

export const modelSchema = z.strictObject({
  provider: z
    .enum(["anthropic", "openai", "google", "openai-compatible", "rehearsal"])
    .describe("`rehearsal` reads its answers from a script: no key, no cost."),
  model: z.string().min(1, "Write the model's name as its provider knows it.").describe("As its provider names it."),
  baseUrl: z
    .url("Write an address such as http://10.220.1.30:11434/v1.")
    .optional()
    .describe("For openai-compatible servers, and to reach a provider through a proxy."),
  key: nameField.optional().describe("Name of the secret under `models.`; the provider's name unless given."),
  price: z
    .strictObject({
      input: priceField.describe("Tokens sent."),
      output: priceField.describe("Tokens received."),
      cachedInput: priceField.optional().describe("Tokens that the provider had in its cache; `input` unless given."),
      cacheWrite: priceField.optional().describe("Tokens that it put into its cache; `input` unless given."),
    })
    .optional()
    .describe(
      "US dollars per million tokens; 0 for what costs nothing. Unless given, that of the table in `src/team/prices.ts`.",
    ),
  for: z
    .array(z.enum(workKinds))
    .min(1, "Name one at least.")
    .optional()
    .describe("Kinds of work that it is asked for; all unless given."),
  window: tokensField.optional().describe("Tokens of a conversation that it takes; that of the table unless given."),
});

export const budgetSchema = z.strictObject({
  run: dollarsField.describe("US dollars for one run."),
  day: dollarsField.describe("US dollars for one agent's day."),
  runTokens: tokensField.optional().describe("Tokens sent and received for one run; no limit unless given."),
  dayTokens: tokensField.optional().describe("Tokens sent and received for one agent's day; no limit unless given."),
});

export const limitsSchema = z.strictObject({
  calls: z
    .int("Write a whole number.")
    .min(1, "Write 1 or more.")
    .max(64, "Write 64 or less.")
    .optional()
    .describe("Calls to models at the same time; 4 unless given."),
  runs: z
    .int("Write a whole number.")
    .min(1, "Write 1 or more.")
    .max(64, "Write 64 or less.")
    .optional()
    .describe("Threads that it works on at the same time; 4 unless given."),
});
