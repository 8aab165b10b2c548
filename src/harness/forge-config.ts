import * as z from "zod";

/** An agent's accounts on the forge, and the repositories that it works on: a part of its configuration. */

const file = z.string().min(1);
const login = z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?$/);

const lenses = z.array(z.string()).default([]);

const repositorySchema = z.strictObject({
  /** `owner/name`. */
  name: z.string().regex(/^[\w.-]+\/[\w.-]+$/),
  /** Whether this agent takes issues of it; others are for reviews only. */
  work: z.boolean().default(true),
  /** An issue with this label is work for whoever is free. */
  label: z.string().min(1).default("olympus"),
  /** Commands that must pass, run in the sandbox at the repository's root: what was run and what came of it stands in the pull request. */
  checks: z.array(z.string().min(1)).default([]),
  /** `team/channel` for what did not begin in the chat. */
  channel: z
    .string()
    .regex(/^[^/]+\/[^/]+$/)
    .optional(),
});

export const forgeSchema = z.strictObject({
  /** The API's root, `https://api.github.com`, without a trailing slash. */
  api: z.url().transform((url) => url.replace(/\/+$/, "")),
  /** The agent's own account; a token of another one is refused. */
  login,
  tokenFile: file,
  /** May read and comment, and nothing else; the first one is used for reviews where there is none. */
  reviewTokenFile: file.optional(),
  /** The team's key: signs where work came from. */
  keyFile: file,
  /** For commits. */
  name: z.string().min(1),
  email: z.string().min(3),
  people: z
    .array(z.strictObject({ login, name: z.string(), command: z.boolean(), approve: z.array(z.string()).default([]) }))
    .default([]),
  /** The team's other agents. */
  agents: z
    .array(
      z.strictObject({
        login,
        name: z.string(),
        lenses,
        /** Repositories whose issues it takes. */
        works: z.array(z.string()).default([]),
      }),
    )
    .default([]),
  /** What this one looks at first; any agent can be asked for any lens. */
  lenses,
  repositories: z.array(repositorySchema).min(1),
  /** Seconds between looks; those where nothing changed cost no request. */
  every: z.number().positive().default(15),
  /** Hours without a sign of life after which a claim is released. */
  leaseHours: z.number().positive().default(2),
  /** Receives the forge's webhooks: hints to look at once. */
  webhook: z.strictObject({ address: z.string().min(1), port: z.int().min(0).max(65535), secretFile: file }).optional(),
});
