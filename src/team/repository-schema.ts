import { z } from "zod";
import { nameField } from "./fields.ts";

/** `owner/name`, as the forge writes it. */
export const repositoryName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]*\/[\w.-]+$/, "Write owner/name.");

export const repositorySchema = z.strictObject({
  agents: z
    .array(nameField)
    .min(1, "Name one at least.")
    .optional()
    .describe(
      "Who takes up its issues: all agents with the duty development and an account (role github) unless given. All others with an account review.",
    ),
  label: z
    .string()
    .min(1, "Write a label.")
    .max(50, "Keep it under 50 characters.")
    .default("olympus")
    .describe("An issue that somebody who may give tasks puts it on is work for whoever is free."),
  checks: z
    .array(z.string().min(1, "Write a command."))
    .default([])
    .describe(
      "Commands that must pass, such as `npm test`. The harness runs them in its sandbox, in a fresh checkout (so `npm ci` first); what came of them stands in the pull request.",
    ),
});

export const forgeSchema = z.strictObject({
  api: z
    .url()
    .default("https://api.github.com")
    .describe(
      "Root of GitHub's API, or of a server that speaks it. A team whose service `forge` plays GitHub uses that.",
    ),
  every: z
    .number()
    .min(5, "Write 5 or more.")
    .default(15)
    .describe("Seconds between looks at a repository. A look at which nothing changed costs no request."),
  webhooks: z
    .boolean()
    .default(false)
    .describe(
      "Agents listen for the forge's webhooks on port 18782, as hints to look at once; without, or while they are away, looks find everything too. The team's own forge sends them; GitHub must be led there.",
    ),
  leaseHours: z
    .number()
    .positive("Write more than 0.")
    .default(2)
    .describe("An issue whose agent gave no sign of life for so long is free again."),
});
