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

/** What an agent may do only with somebody's approval, and who looks at changes before. Rendered from the team file's policy. */
export const policySchema = z.strictObject({
  /** Hours that a gate waits for its approval. */
  expireHours: z.number().positive().default(72),
  merge: z.array(mergeRuleSchema).default([]),
  lenses: z.array(lensRuleSchema).default([{ lens: "security", paths: [], labels: [], lines: 0 }]),
});

export type Policy = z.output<typeof policySchema>;
