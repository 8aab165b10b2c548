import { z } from "zod";
import { exitCodes, OlympusError } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";

const issueSchema = z.object({
  number: z.int(),
  html_url: z.string(),
  state: z.string(),
  title: z.string(),
  pull_request: z.unknown().optional(),
});
const pullSchema = z.object({
  number: z.int(),
  html_url: z.string(),
  state: z.string(),
  merged_at: z.string().nullable(),
  user: z.object({ login: z.string() }),
  head: z.object({ ref: z.string(), sha: z.string() }),
});
const statusSchema = z.object({ statuses: z.array(z.object({ context: z.string(), state: z.string() })) });
const reviewSchema = z.object({ state: z.string(), commit_id: z.string(), user: z.object({ login: z.string() }) });

export type SeenIssue = z.infer<typeof issueSchema>;
export type SeenPull = z.infer<typeof pullSchema>;

const patienceMs = 20_000;

/** One repository of the team's own forge, as a person of the team sees it. Every call throws E-FLOW for what the forge refuses. */
export class PersonOnForge {
  readonly #base: string;
  readonly #token: Secret;
  readonly #signal: AbortSignal;

  constructor(forge: string, repository: string, token: Secret, signal: AbortSignal) {
    this.#base = `${forge}/api/v3/repos/${repository}`;
    this.#token = token;
    this.#signal = signal;
  }

  /** Newest first. */
  async issues(): Promise<SeenIssue[]> {
    const all = z.array(issueSchema).parse(await this.#ask("/issues?state=all&per_page=100"));
    return all.filter((issue) => issue.pull_request === undefined);
  }

  /** Newest first. */
  async pulls(): Promise<SeenPull[]> {
    return z.array(pullSchema).parse(await this.#ask("/pulls?state=all&per_page=100"));
  }

  /** Latest state of each lens that somebody was asked to look through, by its name. */
  async lenses(sha: string): Promise<Map<string, string>> {
    const { statuses } = statusSchema.parse(await this.#ask(`/commits/${sha}/status`));
    return new Map(
      statuses.flatMap(({ context, state }) => (context.startsWith("olympus/") ? [[context, state]] : [])),
    );
  }

  /** Approves exactly this commit; does nothing where that was done. */
  async approve({ number, head }: SeenPull, login: string): Promise<void> {
    const reviews = z.array(reviewSchema).parse(await this.#ask(`/pulls/${number}/reviews?per_page=100`));
    const done = reviews.some(
      ({ user, state, commit_id }) => user.login === login && state === "APPROVED" && commit_id === head.sha,
    );
    if (done) return;
    await this.#ask(`/pulls/${number}/reviews`, { event: "APPROVE", commit_id: head.sha });
  }

  async #ask(path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.#base}${path}`, {
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      headers: { authorization: `Bearer ${this.#token.reveal()}`, accept: "application/vnd.github+json" },
      signal: AbortSignal.any([this.#signal, AbortSignal.timeout(patienceMs)]),
    });
    const answer: unknown = await response.json();
    if (response.ok) return answer;
    throw new OlympusError(`the forge refuses (HTTP ${response.status}): ${JSON.stringify(answer)}`, {
      code: "E-FLOW",
      exit: exitCodes.failed,
      where: `${this.#base}${path}`,
      hint: "npx olympus status",
    });
  }
}
