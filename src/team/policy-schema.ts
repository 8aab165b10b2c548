import { z } from "zod";
import { nameField } from "./fields.ts";
import { repositoryName } from "./repository-schema.ts";

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

const command = z
  .string()
  .regex(
    /^\/[\w./-]+( [\w./=:@,+-]+)*$/,
    "Write an absolute path and plain words after it, without quotes and signs of the shell.",
  );

const deploySchema = z.strictObject({
  repository: repositoryName.describe("What is deployed; one of `repositories`."),
  branch: z.string().min(1).default("main").describe("Its newest commit is, once a pull request brought it there."),
  host: nameField.describe("The host that is called; it needs the role deploy."),
  command: command.describe(
    "What is run there as `olympus-deploy`, with the commit added as its last word; the agents' key can run nothing else.",
  ),
  back: command.optional().describe("Goes back to the commit that it is given. `command` unless given."),
  kind: z
    .enum(["deploy", "infrastructure"])
    .default("deploy")
    .describe("What whoever approves it must be trusted with."),
  approvers: z.array(nameField).default([]).describe("People, by name. Everybody who is trusted with it unless given."),
  minutes: z.number().positive("Write a number above zero.").default(30).describe("How long it may take."),
});

const sensitiveSchema = z
  .strictObject({
    agents: z.array(nameField).min(1, "Name one at least.").describe("Who may ask for it."),
    about: text.describe("What it is, for models and people."),
    file: z
      .string()
      .regex(/^\/[^\0\n]+$/, "Write an absolute path.")
      .optional()
      .describe("On the agent's machine, for `olympus` to read."),
    command: command.optional().describe("In place of a file: what it prints, run as `olympus` without a shell."),
    approvers: z
      .array(nameField)
      .default([])
      .describe("People, by name. Everybody who is trusted with it unless given."),
  })
  .refine(({ file, command: words }) => (file === undefined) !== (words === undefined), {
    error: "Give a file or a command.",
  });

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
    deploy: z
      .record(nameField, deploySchema)
      .default({})
      .describe("What may be deployed, by name: after a merge people are asked, and whoever may says yes."),
    sensitive: z
      .record(nameField, sensitiveSchema)
      .default({})
      .describe("Data that an agent gets for one piece of work at a time, each time with a person's yes."),
    destructive: z
      .strictObject({
        commands: z
          .array(text)
          .default([])
          .describe(
            "Commands as their words in order, such as `terraform destroy`; a script of an agent that writes one out waits for a person. What it does not write out is not seen.",
          ),
        approvers: z
          .array(nameField)
          .default([])
          .describe("People, by name. Everybody who is trusted with it unless given."),
      })
      .prefault({})
      .describe("Commands in agents' shells that take a person's yes."),
  })
  .prefault({})
  .describe("What needs whose approval. A merge by an agent always needs a person with `approve: [merge]`.");

export const reviewsSchema = z
  .array(z.strictObject({ lens: z.enum(lenses).describe("Point of view."), ...changes }))
  .default([{ lens: "security", paths: [], labels: [], lines: 0 }])
  .describe("Lenses that have to pass before people are asked; those of all rules that fit a change.");
