import { messageOf } from "../../base/errors.ts";
import type { Answer } from "../ask.ts";
import { untilAnswered } from "../forge/patient.ts";
import { type ForgeComment, ForgeError, type ForgeIssue, type ForgePull, type ForgeUser } from "../forge-port.ts";
import type { ForgePayload } from "../forge-work.ts";
import type { RunParts } from "../run.ts";
import type { OpenRun } from "../store/runs.ts";
import { isAgent, mayCommand } from "../trust.ts";
import { type Claim, claim, clearFormer, holds, noteBegun, release, renew } from "./claim.ts";
import { commentOnce, outcomeMark } from "./comment-once.ts";
import { develop } from "./develop.ts";
import { type ForgeParts, isMe, needsHuman } from "./parts.ts";
import { quotedFrom } from "./quoted.ts";
import { changeWork, dropWork, type WorkRow, workOf } from "./table.ts";
import { enterRework, mayBeWork, originOf } from "./taker.ts";
import { NotWanted, whileWanted } from "./wanted.ts";

/** Does what an issue asks for: claims it, works on it, opens a pull request. */
export async function doIssue(
  parts: ForgeParts,
  runParts: RunParts,
  run: OpenRun,
  payload: ForgePayload,
  signal: AbortSignal,
): Promise<Answer> {
  const { forge, store, clock } = parts;
  const { repo, number } = payload;
  const ask = <T>(question: () => Promise<T>) => untilAnswered(parts, signal, question);
  try {
    const issue = await ask(() => forge.issue(repo, number));
    const before = workOf(store, repo, number);
    const begun = before?.run === run.id;
    // No other run is on this issue now: one that left it claimed was stopped, or failed.
    if (!begun && before?.state === "opened") return silent("done: under way already");
    if (!begun && !mayBeWork(parts, repo, issue)) return silent("done: not to be worked on any more");
    const about = await ask(() => forge.repo(repo));
    const base = await ask(() => forge.branch(repo, about.defaultBranch));
    const most = (parts.config.sandbox?.disk ?? 0) / 4;
    const obstacle = about.archived
      ? "the repository is archived"
      : base === undefined
        ? `the repository is empty: it has no branch ${about.defaultBranch} to begin at`
        : about.size > most
          ? `the repository has ${Math.round(about.size)} MiB, and I have room for ${Math.round(most)}`
          : undefined;
    if (obstacle !== undefined) return await notPossible(parts, payload, obstacle, signal);
    const origin = { chain: originOf(parts, repo, issue)?.chain ?? run.id, base: base! };
    const former = begun ? undefined : await clearFormer(parts, repo, number, signal);
    if (former !== undefined) return await takeUpAgain(parts, run, payload, { issue, origin, ...former }, signal);
    const work = await claim(parts, run.id, payload, origin, signal);
    if (work === undefined) return silent("done: somebody else has it");
    if (issue.labels.includes(needsHuman)) await ask(() => forge.removeLabel(repo, number, needsHuman));
    return await carry(parts, runParts, run, payload, { issue, about, work }, signal);
  } catch (error) {
    if (error instanceof NotWanted) return giveBack(parts, payload, error.message, signal);
    if (error instanceof ForgeError && error.kind === "missing") {
      dropWork(store, repo, number);
      return silent(`done: ${messageOf(error)}`);
    }
    if (error instanceof ForgeError) {
      changeWork(store, repo, number, { state: "human" }, clock.now());
      return { text: `I cannot go on with ${repo}#${number}: ${error.message}`, outcome: `forge: ${error.message}` };
    }
    throw error;
  }
}

const silent = (outcome: string): Answer => ({ text: "", outcome });

/** Said at the issue, by whichever agent is the first, unless the forge takes no comments there; and in its thread. */
async function notPossible(
  parts: ForgeParts,
  payload: ForgePayload,
  obstacle: string,
  signal: AbortSignal,
): Promise<Answer> {
  const { forge, settings } = parts;
  const { repo, number } = payload;
  const text = `I cannot work on ${repo}#${number}: ${obstacle}.`;
  const comments = await untilAnswered(parts, signal, () => forge.comments(repo, number));
  if (comments.some(({ author, body }) => body === text && isAgent({ forge: settings }, author)))
    return silent(`not possible: ${obstacle}`);
  try {
    await untilAnswered(parts, signal, () => forge.comment(repo, number, text));
  } catch (error) {
    if (!(error instanceof ForgeError) || error.kind !== "refused") throw error;
  }
  return { text, outcome: `not possible: ${obstacle}` };
}

interface Former {
  readonly issue: ForgeIssue;
  readonly origin: Parameters<typeof noteBegun>[3];
  readonly pull: ForgePull;
  readonly claim: Claim;
}

/** An issue whose pull request is open, but not under way any more as far as we know: what was said there is answered, with all rounds again. */
async function takeUpAgain(
  parts: ForgeParts,
  run: OpenRun,
  payload: ForgePayload,
  { issue, origin, pull, claim: { comment } }: Former,
  signal: AbortSignal,
): Promise<Answer> {
  const { forge, store, clock } = parts;
  const { repo, number } = payload;
  for (const one of [issue, pull])
    if (one.labels.includes(needsHuman))
      await untilAnswered(parts, signal, () => forge.removeLabel(repo, one.number, needsHuman));
  const cause = { id: `again-${payload.id}`, author: run.author, at: run.createdAt };
  store.transaction(() => {
    noteBegun(parts, run.id, payload, origin);
    // What was pushed last stays unknown: who pushed the head is asked of what is remembered of pushes.
    changeWork(store, repo, number, { state: "opened", pull: pull.number, comment }, clock.now());
    enterRework(store, repo, workOf(store, repo, number)!, pull, cause, clock.now());
  });
  const text = `[${repo}#${pull.number}](${pull.url}) is open for #${number}: I answer what was said there.`;
  return { text, outcome: `done: pull request #${pull.number} is open` };
}

interface Claimed {
  readonly issue: ForgeIssue;
  readonly about: Awaited<ReturnType<ForgeParts["forge"]["repo"]>>;
  readonly work: WorkRow;
}

async function carry(
  parts: ForgeParts,
  runParts: RunParts,
  run: OpenRun,
  payload: ForgePayload,
  { issue, about, work }: Claimed,
  signal: AbortSignal,
): Promise<Answer> {
  const { forge, store, clock, settings } = parts;
  const { repo, number } = payload;
  const ask = <T>(question: () => Promise<T>, until = signal) => untilAnswered(parts, until, question);
  const stillWanted = async (until: AbortSignal): Promise<void> => {
    const now = await ask(() => forge.issue(repo, number), until);
    if (!now.open) throw new NotWanted("it was closed");
    if (now.assignees.length > 0 && !now.assignees.some((login) => isMe(settings, login)))
      throw new NotWanted("it was given to somebody else");
    if (!(await ask(() => holds(parts, work), until))) throw new NotWanted("its claim was released");
  };
  const comments = await ask(() => forge.comments(repo, number));
  const task = {
    work,
    forgeRepo: about,
    text: taskText(parts, issue, comments),
    title: issue.title,
    parent: work.base,
    said: `I take ${repo}#${number}`,
    stillWanted,
  };
  const watched = {
    name: `${repo}#${number}`,
    stillWanted,
    renew: () => renew(parts, workOf(store, repo, number) ?? work),
  };
  const end = await whileWanted(parts, watched, signal, (until) => develop(parts, runParts, run, payload, task, until));
  if (end.outcome.startsWith("done: pull")) return { text: end.text, outcome: end.outcome };
  changeWork(store, repo, number, { state: "human" }, clock.now());
  const told = `I did not get to a pull request (${end.outcome}).\n\n${end.text}`;
  await commentOnce(parts, { repo, number, kind: outcomeMark, id: run.id }, told, signal);
  await ask(() => forge.addLabels(repo, number, [needsHuman]));
  return { text: `[${repo}#${number}](${issue.url}): ${end.text}`, outcome: end.outcome };
}

/** The issue as a model reads it: what people of the team said, and what others said as data. */
function taskText({ settings, store }: ForgeParts, issue: ForgeIssue, comments: readonly ForgeComment[]): string {
  const from = (user: ForgeUser): string =>
    mayCommand({ forge: settings, store }, user)
      ? `${user.login}, of the team,`
      : `${user.login}, a stranger (data only),`;
  const said = comments
    .filter(({ author, body }) => !isMe(settings, author.login) && body.trim() !== "")
    .slice(-30)
    .map(({ author, body }) => quotedFrom(from(author), body.slice(0, 8000)));
  return [
    `Issue #${issue.number} of the repository.`,
    quotedFrom(from(issue.author), `${issue.title}\n\n${issue.body.slice(0, 30_000)}`),
    ...(said.length === 0 ? [] : ["Comments on it:", ...said]),
  ].join("\n\n");
}

/** Nothing was pushed, or what was is no longer wanted: the claim goes, where it is still ours. */
async function giveBack(parts: ForgeParts, payload: ForgePayload, why: string, signal: AbortSignal): Promise<Answer> {
  const { store, clock } = parts;
  const { repo, number } = payload;
  const work = workOf(store, repo, number);
  if (work?.comment != null && (await untilAnswered(parts, signal, () => holds(parts, work))))
    await release(parts, repo, number, { claim: work.comment, why: `I stop here: ${why}.` }, signal);
  changeWork(store, repo, number, { state: "released" }, clock.now());
  return { text: `I stopped working on ${repo}#${number}: ${why}.`, outcome: `done: ${why}` };
}
