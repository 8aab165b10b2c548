import { type ForgeComment, ForgeError, type ForgePull } from "../forge-port.ts";
import { lensOf } from "../review/lenses.ts";
import { readAssigned } from "../review/states.ts";
import { branchOf } from "../tasks/claim.ts";
import { marked, markOf } from "../tasks/marks.ts";
import { type ForgeParts, isMe, needsHuman } from "../tasks/parts.ts";
import { isAgent } from "../trust.ts";
import { choose, handsFor, type OpenWork, openWork, withOneMore } from "./open-work.ts";

const nudgeMark = "nudge";
/** Reminders of one round: what is more comes in later ones. */
const mostNudges = 5;
const hour = 3600_000;

/** A piece of work without progress for long. */
interface Stale {
  readonly work: OpenWork;
  readonly pull: ForgePull | undefined;
  /** Of its last progress, the forge's time, ms. */
  readonly since: number;
}

/**
 * Asks after work without progress for `staleHours`, in a comment, at most once in so long for each issue, whichever agent did; what
 * nobody has is given to somebody. The forge remembers: another process, or a lost database, does not ask again. Gives the issues.
 */
export async function nudge(parts: ForgeParts, staleHours: number): Promise<string[]> {
  const { settings, log } = parts;
  const nudged: string[] = [];
  for (const { name } of settings.repositories) {
    try {
      await nudgeIn(parts, name, staleHours, nudged);
    } catch (error) {
      // One that is not to be seen any more keeps nothing from the others.
      if (!(error instanceof ForgeError) || error.kind === "retry") throw error;
      log.warn({ repository: name, error: error.message }, "cannot look for stale work");
    }
  }
  return nudged;
}

async function nudgeIn(parts: ForgeParts, repo: string, staleHours: number, nudged: string[]): Promise<void> {
  const { forge, settings, key, clock } = parts;
  const all = await openWork(parts, repo);
  let hands = handsFor(parts, repo, all);
  for (const work of all) {
    if (nudged.length >= mostNudges) return;
    const stale = await staleOf(parts, work, clock.now() - staleHours * hour);
    if (stale === undefined) continue;
    const { number } = work.issue;
    const hand = work.holder === undefined && !waitsForPerson(work) ? choose(hands, undefined) : undefined;
    if (hand !== undefined) {
      await forge.assign(repo, number, [hand.login]);
      hands = withOneMore(hands, hand);
    }
    const hours = Math.floor((clock.now() - stale.since) / hour);
    const ask =
      hand === undefined ? await whatNext(parts, stale) : `Nobody has taken it up: @${hand.login}, please do.`;
    const text = `Nothing moved here for ${hours} hours. ${ask}`;
    await forge.comment(
      repo,
      number,
      marked(text, key, nudgeMark, { repo, login: settings.login }, { at: clock.now() }),
    );
    nudged.push(`${repo}#${number}`);
  }
}

/** Undefined for work that moved, or was asked after, since `limit`. */
async function staleOf(parts: ForgeParts, work: OpenWork, limit: number): Promise<Stale | undefined> {
  const { forge } = parts;
  const { repo, issue, claimed } = work;
  if (issue.createdAt > limit) return undefined;
  const comments = await forge.comments(repo, issue.number);
  if (comments.some((comment) => isNudge(parts, repo, comment) && comment.createdAt > limit)) return undefined;
  const events = await forge.events(repo, issue.number);
  const pull = claimed
    ? (await forge.pullsOf(repo, branchOf(issue.number))).find(({ state }) => state === "open")
    : undefined;
  const since = Math.max(
    issue.createdAt,
    ...comments.filter((comment) => !isNudge(parts, repo, comment)).map(({ createdAt }) => createdAt),
    ...events.map(({ at }) => at),
    ...(pull === undefined ? [] : await timesOf(parts, repo, pull)),
  );
  return since > limit ? undefined : { work, pull, since };
}

/** When something happened to a pull request: opened, pushed to (each head gets statuses), reviewed. */
async function timesOf({ forge }: ForgeParts, repo: string, { number, createdAt, head }: ForgePull): Promise<number[]> {
  const reviews = await forge.reviews(repo, number);
  const statuses = await forge.statuses(repo, head.sha);
  return [createdAt, ...reviews.map(({ at }) => at), ...statuses.map(({ at }) => at)];
}

function isNudge({ key, settings }: ForgeParts, repo: string, { author, body }: ForgeComment): boolean {
  const place = { repo, login: author.login };
  return isAgent({ forge: settings }, author) && markOf(key, nudgeMark, place, body) !== undefined;
}

/** Its agent gave up: a person has to decide. */
export const waitsForPerson = ({ issue }: Pick<OpenWork, "issue">): boolean => issue.labels.includes(needsHuman);

/** Whom it waits for, and for what. */
async function whatNext(parts: ForgeParts, { work, pull }: Stale): Promise<string> {
  const { forge, settings } = parts;
  const at = (logins: readonly string[]) => [...new Set(logins)].map((login) => `@${login}`).join(", ");
  const people = (may: (person: (typeof settings.people)[number]) => boolean) =>
    at(settings.people.filter(may).map(({ login }) => login)) || "A person";
  if (waitsForPerson(work))
    return `${people(({ command }) => command)}: its agent did not get further; please say how to go on.`;
  if (pull === undefined) {
    if (work.holder === undefined) return "Nobody of the team takes up issues of this repository.";
    const own = isMe(settings, work.holder) ? " (that is me)" : "";
    return `@${work.holder}${own}: is something in the way? Say so here, or give it back.`;
  }
  const reviewers = (await forge.statuses(work.repo, pull.head.sha)).flatMap(({ context, state, description }) =>
    lensOf(context) !== undefined && state === "pending" ? (readAssigned(description) ?? []) : [],
  );
  if (reviewers.length > 0) return `#${pull.number} waits for a review by ${at(reviewers)}.`;
  return `#${pull.number} waits for a person: ${people(({ approve }) => approve.includes("merge"))}.`;
}
