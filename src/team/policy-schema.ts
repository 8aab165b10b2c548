import { z } from "zod";
import { nameField } from "./fields.ts";

export const lenses = [
  "infrastructure",
  "ux",
  "security",
  "performance",
  "testing",
  "documentation",
  "product",
] as const;

export const gateKinds = ["merge", "deploy", "infrastructure", "sensitive", "destructive"] as const;

const text = z.string().min(1, "Write at least a letter.");

const changes = {
  paths: z
    .array(text)
    .default([])
    .describe("Patterns, one of which fits a changed file: `infra/**`, `**/*.sql`. All files unless given."),
  labels: z.array(text).default([]).describe("Labels, one of which the pull request has. Any unless given."),
  lines: z
    .int("Write a whole number.")
    .nonnegative("Write a whole number.")
    .default(0)
    .describe("Lines added and deleted, at least."),
};

export const gatesSchema = z
  .strictObject({
    hours: z
      .number()
      .positive("Write a number above zero.")
      .default(72)
      .describe("How long a gate waits for a person."),
    merge: z
      .array(
        z.strictObject({
          ...changes,
          kind: z
            .enum(gateKinds)
            .default("merge")
            .describe("What whoever approves such a change must be trusted with, beside merge."),
          approvers: z
            .array(nameField)
            .default([])
            .describe("People, by name. Everybody who is trusted with it unless given."),
        }),
      )
      .default([])
      .describe("Rules for merges; all that fit a change count together."),
  })
  .prefault({})
  .describe("What needs whose approval. A merge by an agent always needs a person with `approve: [merge]`.");

export const reviewsSchema = z
  .array(z.strictObject({ lens: z.enum(lenses).describe("Point of view."), ...changes }))
  .default([{ lens: "security", paths: [], labels: [], lines: 0 }])
  .describe("Lenses that have to pass before people are asked; those of all rules that fit a change.");
