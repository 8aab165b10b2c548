import { noAnswer } from "../ask.ts";
import type { Clock } from "../clock.ts";
import type { AgentConfig } from "../config.ts";
import type { Forge, ForgePull, ForgeReader, ForgeReview, PullFile } from "../forge-port.ts";
import { ForgeError } from "../forge-port.ts";
import { assistantTurn, type ModelMessage } from "../model-port.ts";
import type { ModelRouter } from "../router.ts";
import { isNamed, type Known } from "../trust.ts";
import { outdated, readMarker, remarkBody, reviewBody } from "./compose.ts";
import { placesOf, showDiff } from "./diff.ts";
import { type Findings, finishReview, place, readFindings } from "./findings.ts";
import { statusOf } from "./lenses.ts";
import { type ReviewQuestion, reviewMessage, reviewSystem } from "./prompt.ts";
import { isWornBy } from "./states.ts";

/** What a review takes of a forge. */
export type ReviewForge = ForgeReader & Pick<Forge, "setStatus" | "submitReview" | "editReview" | "dismissReview">;

export interface ReviewParts {
  readonly config: Pick<AgentConfig, "agent" | "team" | "persona" | "limits"> & Known;
  /** With a token that cannot write contents. */
  readonly forge: ReviewForge;
  readonly router: ModelRouter;
  readonly clock: Clock;
  /** What leaves, without secrets. */
  readonly clean: (text: string, run: string) => string;
  /** A model wanted something else than to give its review. */
  readonly refused: (wish: string, run: string) => void;
}

export interface Reviewed {
  readonly lens: string;
  readonly verdict: "pass" | "changes";
  readonly findings: number;
  readonly unread: number;
  readonly url: string;
  /** It was there already: of a former process, or of another run. */
  readonly known: boolean;
  /** That made it. */
  readonly run: string | undefined;
}

/** Tokens of a change that are shown at once; a model's window holds them beside everything else. */
const diffTokens = 60_000;
/** Answers that cannot be read, after which the lens gives up. */
const mostTries = 3;
/** What tells agents how to work; a change of it does not count before it is merged. */
const instructionFiles = ["AGENTS.md", "CLAUDE.md", ".github/copilot-instructions.md"];

/**
 * Looks at a pull request's head through one lens and says so there: a review and a status, once for each lens and commit. Undefined where
 * the head moved meanwhile, or the lens was given from `wearer` to somebody else. A string: why no model gave a review. Throws ForgeError, and the signal's reason.
 */
export async function reviewPull(
  parts: ReviewParts,
  wanted: { repo: string; number: number; lens: string; run: string; signal: AbortSignal; wearer?: string },
): Promise<Reviewed | string | undefined> {
  const { forge, config } = parts;
  const { repo, number, lens, run, signal, wearer } = wanted;
  const pull = await forge.pull(repo, number);
  if (pull.state !== "open") return undefined;
  const own = ownReviews(await forge.reviews(repo, number), (await forge.account()).login, lens);
  const sha = pull.head.sha;
  const known = own.find((review) => readMarker(review.body)?.sha === sha);
  if (known !== undefined) return { ...seen(known, lens), known: true, run: readMarker(known.body)?.run };

  const files = await forge.files(repo, number);
  const before = own.at(-1);
  const since = before && readMarker(before.body)?.sha;
  const fresh = since === undefined ? undefined : await forge.compare(repo, since, sha);
  // A list that the forge cut off.
  const beyond = Math.max(0, pull.size.files - files.length);
  const diff = showDiff((beyond > 0 ? fresh : undefined) ?? relevant(files, fresh), diffTokens, beyond);
  const question: ReviewQuestion & { readonly pull: ForgePull } = {
    ...config,
    lens,
    pull,
    repo,
    diff,
    // Of the base branch: what the change itself would tell us counts once it is merged.
    instructions: await forge.file(repo, "AGENTS.md", pull.base.branch),
    before:
      before === undefined
        ? []
        : (await forge.reviewComments(repo, number)).filter(({ review }) => review === before.id),
    since: fresh === undefined ? undefined : since,
  };
  const findings = await askFor(parts, question, run, signal);
  if (typeof findings === "string") return findings;
  const moved = await forge.pull(repo, number);
  if (moved.head.sha !== sha || moved.state !== "open") return undefined;
  if (wearer !== undefined) {
    const status = (await forge.statuses(repo, sha)).find(({ context }) => context === statusOf(lens));
    if (status === undefined || !isWornBy(status, wearer)) return undefined;
  }
  const review = await publish(parts, question, files, findings, sha, run);
  for (const old of own) await retire(forge, repo, number, old, sha);
  return {
    ...seen(review, lens),
    verdict: findings.verdict,
    findings: findings.findings.length,
    unread: diff.unread.length + diff.beyond,
    known: false,
    run,
  };
}

/** After a push only what it touched is read, at the places that the whole change has. */
function relevant(files: readonly PullFile[], fresh: readonly PullFile[] | undefined): readonly PullFile[] {
  if (fresh === undefined) return files;
  const inChange = new Set(files.map(({ path }) => path));
  return fresh.filter(({ path }) => inChange.has(path));
}

async function askFor(
  { router, config, refused }: ReviewParts,
  question: ReviewQuestion,
  run: string,
  signal: AbortSignal,
): Promise<Findings | string> {
  const system = reviewSystem(question);
  let messages: ModelMessage[] = [{ role: "user", content: reviewMessage(question) }];
  let wrong = "";
  for (let attempt = 0; attempt < mostTries; attempt++) {
    const request = { system, messages, tools: [finishReview], maxOutputTokens: config.limits.outputTokens };
    const result = await router.call({ run, kind: "review", request, signal });
    if (!result.ok) return noAnswer(result).text;
    for (const { name } of result.reply.calls ?? []) if (name !== finishReview.name) refused(name, run);
    const call = result.reply.calls?.find(({ name }) => name === finishReview.name);
    const read =
      call === undefined ? "call finish_review, and nothing else" : (call.invalid ?? readFindings(call.input));
    if (typeof read !== "string") return read;
    wrong = read;
    const told = (result.reply.calls ?? []).map(
      ({ id, name }): ModelMessage => ({ role: "tool", content: `error: ${read}`, call: { id, name } }),
    );
    const answer: ModelMessage[] = told.length > 0 ? told : [{ role: "user", content: `error: ${read}` }];
    messages = [...messages, assistantTurn(result.reply), ...answer];
  }
  return `I got no review that could be read: ${wrong}`;
}

/** The status first: whoever sees the review finds it there. */
async function publish(
  { forge, config, clean }: ReviewParts,
  { repo, pull, lens, diff, since }: ReviewQuestion & { readonly pull: ForgePull },
  files: readonly PullFile[],
  raw: Findings,
  sha: string,
  run: string,
): Promise<ForgeReview> {
  const findings = JSON.parse(clean(JSON.stringify(raw), run)) as Findings;
  const { inline, elsewhere } = place(findings.findings, placesOf(files));
  const outsider = !isNamed(config, pull.author) || pull.head.repo?.toLowerCase() !== repo.toLowerCase();
  const touched = instructionFiles.filter((name) => files.some(({ path, from }) => path === name || from === name));
  const notes = [
    ...(touched.length === 0
      ? []
      : [`**It changes what agents are told (${touched.join(", ")}).** I went by the base branch's.`]),
    ...(outsider ? ["_From outside of the team: remarks only._"] : []),
  ];
  const shared = {
    lens,
    agent: config.agent,
    sha,
    run,
    findings,
    since,
    notes,
    unread: diff.unread,
    beyond: diff.beyond,
  };
  const description = `${config.agent}: ${findings.verdict === "pass" ? "no objections" : "changes wanted"}`;
  const state = findings.verdict === "pass" ? "success" : "failure";
  await forge.setStatus(repo, sha, { context: statusOf(lens), state, description, url: pull.url });
  const verdict = findings.verdict === "changes" && !outsider ? "request_changes" : "comment";
  const submit = (on: Findings["findings"], off: Findings["findings"]) =>
    forge.submitReview(repo, pull.number, {
      sha,
      verdict,
      body: reviewBody({ ...shared, elsewhere: off }),
      comments: on.map((finding) => ({ path: finding.path, line: finding.line, body: remarkBody(finding) })),
    });
  try {
    return await submit(inline, elsewhere);
  } catch (error) {
    // The forge counts lines of its diff in another way than we do: then everything stands in the text.
    if (!(error instanceof ForgeError) || error.kind !== "refused" || inline.length === 0) throw error;
    return await submit([], findings.findings);
  }
}

async function retire(forge: ReviewForge, repo: string, number: number, old: ForgeReview, sha: string): Promise<void> {
  const body = outdated(old.body, sha);
  if (body !== old.body) await forge.editReview(repo, number, old.id, body);
  // Only the newest verdict may hold a merge up.
  if (old.state === "changes_requested")
    await forge.dismissReview(repo, number, old.id, "A newer commit was looked at.");
}

function ownReviews(reviews: readonly ForgeReview[], login: string, lens: string): ForgeReview[] {
  return reviews.filter(
    ({ author, body, state }) =>
      author.login.toLowerCase() === login.toLowerCase() && state !== "pending" && readMarker(body)?.lens === lens,
  );
}

const seen = ({ state, url }: ForgeReview, lens: string) => ({
  lens,
  verdict: state === "changes_requested" ? ("changes" as const) : ("pass" as const),
  findings: 0,
  unread: 0,
  url,
});
