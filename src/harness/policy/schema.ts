import * as z from "zod";

/** What only a named person may allow. */
export const gateKinds = ["merge", "deploy", "infrastructure", "sensitive", "destructive"] as const;
export type GateKind = (typeof gateKinds)[number];

const name = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/);
const names = z.array(z.string().min(1));

/** Which changes are meant: each list that is given must fit; none given: all. */
const changes = {
  /** Patterns of paths, one of which fits a changed file: `infra/**`, `**` + `/Dockerfile`. */
  paths: names.default([]),
  labels: names.default([]),
  /** Added and deleted, at least. */
  lines: z.int().nonnegative().default(0),
};

const mergeRuleSchema = z.strictObject({
  ...changes,
  /** Beside `merge`: what who approves such a change must be trusted with. */
  kind: z.enum(gateKinds).default("merge"),
  /** By name; all who are trusted with it unless given. */
  approvers: names.default([]),
});

const lensRuleSchema = z.strictObject({ ...changes, lens: name });

const repository = z.string().regex(/^[\w.-]+\/[\w.-]+$/);

/** A command of another host, named here, that a key of this agent's may start with a commit as its only argument, and nothing else. */
const deploySchema = z.strictObject({
  name,
  /** `owner/name`, and the branch whose newest merge is deployed. */
  repository,
  branch: z.string().min(1).default("main"),
  kind: z.enum(["deploy", "infrastructure"]).default("deploy"),
  approvers: names.default([]),
  /** Where, with the host key to expect, `ssh-ed25519 AAAA…`. */
  host: z.strictObject({
    name: z.string().min(1),
    address: z.string().min(1),
    port: z.int().min(1).max(65535).default(22),
    user: z.string().min(1),
    key: z.string().regex(/^[a-z0-9@.-]+ [A-Za-z0-9+/=]+$/),
  }),
  keyFile: z.string().min(1),
  /** Of the command that goes back; the same one, given the commit before, unless given. */
  backKeyFile: z.string().min(1).optional(),
  /** Minutes that it may take. */
  minutes: z.number().positive().default(30),
});

/** Data that people release, one read at a time: a file of the agent's machine, or what a command of it prints. */
const sensitiveSchema = z
  .strictObject({
    name,
    about: z.string().min(1),
    file: z.string().startsWith("/").optional(),
    command: z.array(z.string().min(1)).min(1).optional(),
    approvers: names.default([]),
  })
  .refine(({ file, command }) => (file === undefined) !== (command === undefined), "either a file or a command");

/** What an agent may do only with somebody's approval, and who looks at changes before. Rendered from the team file's policy. */
export const policySchema = z.strictObject({
  /** Hours that a gate waits for its approval. */
  expireHours: z.number().positive().default(72),
  merge: z.array(mergeRuleSchema).default([]),
  lenses: z.array(lensRuleSchema).default([{ lens: "security", paths: [], labels: [], lines: 0 }]),
  deploys: z.array(deploySchema).default([]),
  sensitive: z.array(sensitiveSchema).default([]),
  /** Commands that wait for a person before a shell runs them, as their words in order: `terraform destroy`. */
  destructive: z
    .strictObject({ commands: names, approvers: names.default([]) })
    .default({ commands: [], approvers: [] }),
});

export type Policy = z.output<typeof policySchema>;
export type Deploy = Policy["deploys"][number];
