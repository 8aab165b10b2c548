import { anotherAccount } from "../accounts.ts";
import type { ForgeConfig } from "../config.ts";
import type { ForgeIssue, ForgeUser, IssueEvent } from "../forge-port.ts";
import { type ForgeChange, type ForgePayload, forgeSource, laneOf, type Taker } from "../forge-work.ts";
import { receive } from "../store/inbox.ts";
import type { Store } from "../store/open.ts";
import { isAgent, isNamed, mayCommand } from "../trust.ts";
import { lastRelease } from "./claim.ts";
import { markOf, type Origin, originMark } from "./marks.ts";
import { type ForgeParts, isMe, repositoryOf } from "./parts.ts";
import { changeWork, heardBy, type WorkRow, workOf, workOfPull } from "./table.ts";

/** P0 comes first, what has no priority is P2; people who wait in the chat come before all. */
export function priorityOf(labels: readonly string[]): number {
  const given = labels.flatMap((label) => /^P([0-3])$/.exec(label)?.[1] ?? []).map(Number);
  return 1 + (given.length === 0 ? 2 : Math.min(...given));
}

/** Also the run's: fit for folders and addresses. */
const idOf = (repo: string, number: number, cause: string): string =>
  `${repo.toLowerCase().replace("/", ".")}-${number}-${cause}`;

/** Takes in issues that are work for this agent, and what is said about its pull requests. */
export function workTaker(parts: ForgeParts): Taker {
  const { settings, store } = parts;
  return {
    wants(repo, issue) {
      if (issue.isPull)
        return workOfPull(store, repo, issue.number) === undefined ? {} : { pull: true, comments: true };
      return mayBeWork(parts, repo, issue) ? { events: true, comments: true } : {};
    },
    take(change, now) {
      const { repo, issue, events, comments } = change;
      if (issue.isPull) return takePull(change, now);
      const mine = workOf(store, repo, issue.number);
      if (!issue.open && mine !== undefined && ["claimed", "pushed"].includes(mine.state))
        changeWork(store, repo, issue.number, { state: "closed" }, now);
      if (!mayBeWork(parts, repo, issue)) return;
      const by = (may: (actor: ForgeUser) => boolean) => startOf(settings, repo, issue, events, may);
      const asked = by((actor) => mayCommand({ forge: settings, store }, actor));
      if (asked === undefined) {
        const { actor } = by((one) => isNamed({ forge: settings }, one)) ?? {};
        if (actor !== undefined)
          parts.log.warn({ issue: `${repo}#${issue.number}` }, anotherAccount(store, settings, actor, actor.login));
        return;
      }
      // Who was released is asked for once more.
      const released = lastRelease(parts, repo, comments);
      const cause = released !== undefined && released.createdAt >= asked.at ? `r${released.id}` : `e${asked.id}`;
      const origin = originOf(parts, repo, issue);
      if (origin !== undefined && origin.hops >= parts.config.chat.maxHops) return;
      const payload: ForgePayload = {
        id: idOf(repo, issue.number, cause),
        repo,
        number: issue.number,
        channelId: origin?.channelId ?? "",
        rootId: origin?.rootId ?? "",
        authorId: `${forgeSource}:${asked.actor.login}`,
        text: `${repo}#${issue.number} ${issue.title}`,
        createdAt: issue.createdAt,
        direct: false,
        hops: origin?.hops ?? 0,
        ...(origin && { chain: origin.chain }),
      };
      const { login } = asked.actor;
      enter(store, "issue", laneOf(repo, issue.number), payload, login, priorityOf(issue.labels), now);
    },
  };

  /** What people and agents of the team say about a pull request of ours, and what became of it. */
  function takePull(change: ForgeChange, now: number): void {
    const { repo, issue, pull, reviews = [], reviewComments = [], comments } = change;
    const work = workOfPull(store, repo, issue.number);
    if (work === undefined || pull === undefined) return;
    if (pull.state !== "open") {
      const state = pull.state === "merged" ? "merged" : "closed";
      if (work.state !== state) changeWork(store, repo, work.number, { state }, now);
      return;
    }
    const heard = heardBy(work);
    const isPerson = (author: ForgeUser): boolean =>
      !isAgent({ forge: settings }, author) && mayCommand({ forge: settings, store }, author);
    const asks = reviews
      .filter(({ id, author, state, body }) => {
        if (
          heard.has(`review-${id}`) ||
          isMe(settings, author.login) ||
          !mayCommand({ forge: settings, store }, author)
        )
          return false;
        // Of agents a request for changes, of people whatever they have to say.
        return state === "changes_requested" || (state === "commented" && isPerson(author) && body !== "");
      })
      .map(({ id, author, at }) => ({ id: `review-${id}`, author: author.login, at }));
    // A remark on a line may come without a review's words. What comes with an approval asks for nothing.
    const apart = reviews
      .filter(({ id, state }) => state === "approved" || asks.some((one) => one.id === `review-${id}`))
      .map(({ id }) => id);
    const lines = reviewComments
      .filter(
        ({ id, author, review }) =>
          !heard.has(`line-${id}`) && isPerson(author) && (review === undefined || !apart.includes(review)),
      )
      .map(({ id, author, createdAt }) => ({ id: `line-${id}`, author: author.login, at: createdAt }));
    const said = comments
      .filter(
        ({ id, author, body }) =>
          !heard.has(`comment-${id}`) &&
          isPerson(author) &&
          new RegExp(`(^|[^\\w@-])@${settings.login}(?![\\w-])`, "i").test(body),
      )
      .map(({ id, author, createdAt }) => ({ id: `comment-${id}`, author: author.login, at: createdAt }));
    for (const cause of [...asks, ...lines, ...said]) enterRework(store, repo, work, issue, cause, now);
  }
}

/** Takes in that a pull request of ours is to be gone on with: by which review or comment, say, whose, and when. */
export function enterRework(
  store: Store,
  repo: string,
  work: WorkRow,
  { number, title }: { readonly number: number; readonly title: string },
  { id, author, at }: { readonly id: string; readonly author: string; readonly at: number },
  now: number,
): void {
  const payload: ForgePayload = {
    id: idOf(repo, number, id),
    repo,
    number,
    channelId: work.channel ?? "",
    rootId: work.root ?? "",
    authorId: `${forgeSource}:${author}`,
    text: `${repo}#${number} ${title}`,
    createdAt: at,
    direct: false,
    hops: work.hops,
    chain: work.chain,
  };
  enter(store, "rework", laneOf(repo, work.number), payload, author, 1, now);
}

function enter(
  store: Store,
  kind: "issue" | "rework",
  lane: string,
  payload: ForgePayload,
  author: string,
  priority: number,
  now: number,
): void {
  const { id, createdAt } = payload;
  receive(
    store,
    { source: forgeSource, sourceId: `${kind}-${id}`, lane, kind, author, createdAt, payload, priority },
    now,
  );
}

/** Open, in a repository that we work on, and either ours by name or, where it is nobody's, by label. */
export function mayBeWork({ settings }: ForgeParts, repo: string, issue: ForgeIssue): boolean {
  const repository = repositoryOf(settings, repo);
  if (repository?.work !== true || !issue.open || issue.isPull) return false;
  return issue.assignees.length > 0
    ? issue.assignees.some((login) => isMe(settings, login))
    : issue.labels.includes(repository.label);
}

/** The newest act that made it our work, of somebody who `may` start work. What the issue says does not count. */
function startOf(
  settings: ForgeConfig,
  repo: string,
  issue: ForgeIssue,
  events: readonly IssueEvent[],
  may: (actor: ForgeUser) => boolean,
): IssueEvent | undefined {
  const label = repositoryOf(settings, repo)?.label;
  const assigned = issue.assignees.some((login) => isMe(settings, login));
  return events.findLast(
    ({ kind, subject, actor }) =>
      may(actor) &&
      (assigned ? kind === "assigned" && isMe(settings, subject) : kind === "labeled" && subject === label),
  );
}

/** Where it began, when one of our agents wrote it. */
export function originOf(
  { settings, key }: ForgeParts,
  repo: string,
  { author, body }: ForgeIssue,
): Origin | undefined {
  return isAgent({ forge: settings }, author)
    ? markOf<Origin>(key, originMark, { repo, login: author.login }, body)
    : undefined;
}
