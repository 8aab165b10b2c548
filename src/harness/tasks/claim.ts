import { audit } from "../audit/audit.ts";
import { untilAnswered } from "../forge/patient.ts";
import { type ForgeComment, ForgeError, type ForgePull } from "../forge-port.ts";
import type { ForgePayload } from "../forge-work.ts";
import { isAgent } from "../trust.ts";
import { marked, markOf } from "./marks.ts";
import { type ForgeParts, isMe } from "./parts.ts";
import { beginWork, changeWork, dropWork, type WorkRow, workOf } from "./table.ts";

/** The branch of an issue: whoever makes it has the claim. A title never becomes part of a name. */
export const branchOf = (issue: number): string => `olympus/issue-${issue}`;

/** How often, and how long between (ms), a branch without a claim is tried for again: the forge wants a second between what makes something. */
const unclaimedTries = 5;
const unclaimedPause = 2000;

const claimMark = "claim";
const releaseMark = "released";

interface ClaimData {
  readonly issue: number;
  readonly run: string;
  /** End of the lease, ms. */
  readonly until: number;
}

export interface Claim extends ClaimData {
  readonly comment: number;
  readonly login: string;
  /** When it was told, the forge's time, ms. */
  readonly at: number;
}

interface ReleaseData {
  /** The claim's comment. */
  readonly claim: number;
  /** Nobody is asked once more: it is begun by whoever released it, or waits for a person. */
  readonly quiet?: boolean;
}

/** Claims of an issue that were not released, the oldest first: of several the first one holds. */
export function claimsIn(
  { settings, key }: Pick<ForgeParts, "settings" | "key">,
  repo: string,
  number: number,
  comments: readonly ForgeComment[],
): Claim[] {
  const ours = comments.filter(({ author }) => isAgent({ forge: settings }, author));
  const find = <T>(kind: string, { author, body }: ForgeComment) =>
    markOf<T>(key, kind, { repo, login: author.login }, body);
  const released = new Set(ours.map((comment) => find<ReleaseData>(releaseMark, comment)?.claim));
  return ours
    .flatMap((comment): Claim[] => {
      const data = find<ClaimData>(claimMark, comment);
      return data?.issue !== number || released.has(comment.id)
        ? []
        : [{ ...data, comment: comment.id, login: comment.author.login, at: comment.createdAt }];
    })
    .sort((a, b) => a.comment - b.comment);
}

/** The newest comment that released a claim for whoever is free. */
export function lastRelease(
  { settings, key }: ForgeParts,
  repo: string,
  comments: readonly ForgeComment[],
): ForgeComment | undefined {
  return comments.findLast(({ author, body }) => {
    if (!isAgent({ forge: settings }, author)) return false;
    const data = markOf<ReleaseData>(key, releaseMark, { repo, login: author.login }, body);
    return data !== undefined && data.quiet !== true;
  });
}

/** Whether a claim of ours holds: one whose lease was over may have been released meanwhile, and somebody else may have the issue. */
export async function holds(parts: ForgeParts, { repo, number, comment }: WorkRow): Promise<boolean> {
  const claims = claimsIn(parts, repo, number, await parts.forge.comments(repo, number));
  return claims.find((one) => one.comment === comment || one.until > parts.clock.now())?.comment === comment;
}

/** Pull requests that came of a claim: the branch's name is that of former ones too. */
export async function pullsOfClaim(
  { forge }: Pick<ForgeParts, "forge">,
  repo: string,
  number: number,
  held: Claim | undefined,
): Promise<ForgePull[]> {
  const since = held?.at ?? Number.POSITIVE_INFINITY;
  return (await forge.pullsOf(repo, branchOf(number))).filter(
    ({ state, createdAt }) => state === "open" || createdAt >= since,
  );
}

/**
 * Clears away, before an issue is claimed for another run, what a claim left that led to its end, or, of ours, to no pull request: nothing
 * that begins at the newest base can be pushed onto its branch. Gives what is to be gone on with instead: a pull request of ours that is open.
 */
export async function clearFormer(
  parts: ForgeParts,
  repo: string,
  number: number,
  signal: AbortSignal,
): Promise<{ pull: ForgePull; claim: Claim } | undefined> {
  const { forge, settings } = parts;
  const ask = <T>(question: () => Promise<T>) => untilAnswered(parts, signal, question);
  const [held] = claimsIn(parts, repo, number, await ask(() => forge.comments(repo, number)));
  if (held === undefined) return undefined;
  const mine = isMe(settings, held.login);
  const pulls = await ask(() => pullsOfClaim(parts, repo, number, held));
  const open = pulls.find(({ state }) => state === "open");
  if (open !== undefined) return mine ? { pull: open, claim: held } : undefined;
  const [last] = pulls;
  if (last === undefined && !mine) return undefined;
  const why = last === undefined ? "I begin anew." : `#${last.number} is ${last.state}: this begins anew.`;
  await release(parts, repo, number, { claim: held.comment, why, quiet: true }, signal);
  return undefined;
}

/** Notes what a run of ours has to do with an issue, as it stands at the beginning. */
export function noteBegun(
  { store, clock, ...parts }: ForgeParts,
  run: string,
  { repo, number, channelId, rootId, hops }: ForgePayload,
  { chain, base }: Origin,
): void {
  const [channel, root] = channelId === "" ? [null, null] : [channelId, rootId];
  const lease_until = leaseFrom({ clock, ...parts });
  const work = { repo, number, branch: branchOf(number), base, run, lease_until, channel, root, chain, hops };
  beginWork(store, work, clock.now());
}

interface Origin {
  readonly chain: string;
  /** The commit to begin at. */
  readonly base: string;
}

/**
 * Claims an issue for a run, from wherever a former process left it; undefined when somebody else has it. The branch is made by one only.
 * When an answer was lost, so that it is not known who made it, whoever may have says so in a comment, and the first comment holds.
 */
export async function claim(
  parts: ForgeParts,
  run: string,
  payload: ForgePayload,
  origin: Origin,
  signal: AbortSignal,
): Promise<WorkRow | undefined> {
  const { repo, number } = payload;
  const { forge, store, clock, settings } = parts;
  const ask = <T>(question: () => Promise<T>) => untilAnswered(parts, signal, question);
  const before = workOf(store, repo, number);
  if (before?.run === run && before.comment !== null) {
    if (!(await ask(() => holds(parts, before)))) return lose(parts, repo, number);
    await ask(() => renew(parts, before));
    return workOf(store, repo, number);
  }
  // A run, this one or one that was stopped, was about to make it.
  let doubt = before?.state === "claimed" && before.comment === null;
  if (before?.run !== run) noteBegun(parts, run, payload, origin);
  const { base, branch, lease_until } = workOf(store, repo, number)!;
  const make = async (): Promise<boolean> => {
    try {
      return await forge.createBranch(repo, branch, base);
    } catch (error) {
      // It may have been made, or be made yet.
      if (error instanceof ForgeError && error.kind === "retry" && error.retryAfterMs === undefined) doubt = true;
      throw error;
    }
  };
  const claims = async (): Promise<Claim[]> =>
    claimsIn(parts, repo, number, await ask(() => forge.comments(repo, number)));
  let made = await ask(make);
  let standing = made && !doubt ? [] : await claims();
  // A branch that nobody claims: whoever made it is about to, or it is on its way out with a claim that was released.
  for (let tries = 0; !made && !doubt && standing.length === 0 && tries < unclaimedTries; tries++) {
    await clock.wait(unclaimedPause, signal);
    made = await ask(make);
    if (!made) standing = await claims();
  }
  // A database that was lost: the forge remembers what is ours.
  const own = standing.find((one) => isMe(settings, one.login));
  if (!made && !doubt && (own === undefined || standing[0] !== own)) return lose(parts, repo, number);
  const comment =
    own?.comment ?? (await ask(() => forge.comment(repo, number, claimText(parts, repo, number, run, lease_until)))).id;
  const first = (await claims()).find(({ until }) => until > clock.now());
  if (first !== undefined && first.comment !== comment) {
    await ask(() => forge.editComment(repo, comment, "Somebody else was first."));
    return lose(parts, repo, number);
  }
  store.transaction(() => {
    changeWork(store, repo, number, { comment }, clock.now());
    const record = { kind: "act", actor: "harness", what: "claim", subject: `${repo}#${number}`, run } as const;
    audit(store, { ...record, evidence: { branch, base, comment: String(comment) } }, clock.now());
  });
  return workOf(store, repo, number);
}

function lose({ store }: ForgeParts, repo: string, number: number): undefined {
  dropWork(store, repo, number);
}

function claimText(
  { key, settings, config }: ForgeParts,
  repo: string,
  issue: number,
  run: string,
  until: number,
): string {
  const data: ClaimData = { issue, run, until };
  const when = new Date(until).toISOString().slice(0, 16).replace("T", " ");
  const text = `I am working on this (run ${run}, on branch \`${branchOf(issue)}\`; free again after ${when} UTC without a sign of life from ${config.agent}).`;
  return marked(text, key, claimMark, { repo, login: settings.login }, data);
}

const leaseFrom = ({ clock, settings }: Pick<ForgeParts, "clock" | "settings">): number =>
  Math.round(clock.now() + settings.leaseHours * 3600_000);

/** Says that the work goes on. */
export async function renew(parts: ForgeParts, { repo, number, run, comment }: WorkRow): Promise<void> {
  const until = leaseFrom(parts);
  if (comment !== null) await parts.forge.editComment(repo, comment, claimText(parts, repo, number, run, until));
  changeWork(parts.store, repo, number, { lease_until: until }, parts.clock.now());
}

/**
 * Gives an issue free: its claim by a comment, then its branch, each until the forge answers. The branch stays where somebody has claimed
 * the issue meanwhile: it is theirs by now, and to delete it would close their pull request.
 */
export async function release(
  parts: Pick<ForgeParts, "forge" | "settings" | "key" | "store" | "clock" | "log">,
  repo: string,
  number: number,
  { why, ...data }: ReleaseData & { readonly why: string },
  signal: AbortSignal,
): Promise<void> {
  const { forge, key, settings, store, clock } = parts;
  const ask = <T>(question: () => Promise<T>) => untilAnswered(parts, signal, question);
  const text = marked(why, key, releaseMark, { repo, login: settings.login }, data);
  await ask(() => forge.comment(repo, number, text));
  const others = claimsIn(parts, repo, number, await ask(() => forge.comments(repo, number)));
  if (others.length === 0) await ask(() => forge.deleteBranch(repo, branchOf(number)));
  const record = { kind: "act", actor: "harness", what: "release", subject: `${repo}#${number}` } as const;
  audit(store, { ...record, evidence: { claim: String(data.claim) } }, clock.now());
}

/** Releases claims of a repository whose lease is over, of agents that do not come back. Gives the issues. */
export async function releaseStale(parts: ForgeParts, repo: string, signal: AbortSignal): Promise<number[]> {
  const released: number[] = [];
  await eachBranched(parts, repo, async (number) => {
    if (await releaseIfStale(parts, repo, number, signal)) released.push(number);
  });
  return released;
}

/** Looks at each issue of a repository that has a branch. One that was deleted keeps no other one from being free again. */
export async function eachBranched(
  { forge }: Pick<ForgeParts, "forge">,
  repo: string,
  look: (number: number) => Promise<void>,
): Promise<void> {
  for (const { name } of await forge.branches(repo, "olympus/issue-")) {
    const number = Number(/^olympus\/issue-([1-9]\d*)$/.exec(name)?.[1]);
    if (Number.isNaN(number)) continue;
    try {
      await look(number);
    } catch (error) {
      if (!(error instanceof ForgeError) || error.kind !== "missing") throw error;
    }
  }
}

async function releaseIfStale(parts: ForgeParts, repo: string, number: number, signal: AbortSignal): Promise<boolean> {
  const { forge, clock } = parts;
  const [held] = claimsIn(parts, repo, number, await forge.comments(repo, number));
  const until = held === undefined ? unclaimedUntil(parts, repo, number) : held.until;
  if (until > clock.now()) return false;
  const pulls = await pullsOfClaim(parts, repo, number, held);
  // One that a person closed unmerged is no work under way.
  if (pulls.some(({ state }) => state !== "closed")) return false;
  const who = held === undefined ? "whoever took it" : `@${held.login}`;
  const [closed] = pulls;
  const over = closed === undefined ? `Nothing was heard of ${who} for long` : `#${closed.number} was closed unmerged`;
  const why = `${over}: this is free again.`;
  await release(parts, repo, number, { claim: held?.comment ?? 0, why }, signal);
  parts.store.setMeta(unclaimedKey(repo, number), "");
  return true;
}

const unclaimedKey = (repo: string, number: number): string => `unclaimed:${repo.toLowerCase()}#${number}`;

/** Of a branch without a comment: whoever made it is about to say so, or was ended before and does not come back. A lease from when we first saw it. */
function unclaimedUntil(parts: ForgeParts, repo: string, number: number): number {
  const key = unclaimedKey(repo, number);
  const until = Number(parts.store.meta(key) || leaseFrom(parts));
  parts.store.setMeta(key, String(until));
  return until;
}
