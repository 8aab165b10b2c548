import { messageOf } from "../../base/errors.ts";
import type { Answer } from "../ask.ts";
import { untilAnswered } from "../forge/patient.ts";
import { type ForgeComment, ForgeError, type ForgeIssue, type ForgeUser } from "../forge-port.ts";
import type { ForgePayload } from "../forge-work.ts";
import type { RunParts } from "../run.ts";
import type { OpenRun } from "../store/runs.ts";
import { mayCommand } from "../trust.ts";
import { claim, release, renew } from "./claim.ts";
import { develop } from "./develop.ts";
import { type ForgeParts, isMe } from "./parts.ts";
import { quotedFrom } from "./quoted.ts";
import { changeWork, dropWork, type WorkRow, workOf } from "./table.ts";
import { mayBeWork, originOf } from "./taker.ts";

/** The issue is nothing to be worked on any more: closed, given to somebody else, gone. */
class NotWanted extends Error {}

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
    if (!begun && (before?.state === "claimed" || before?.state === "pushed" || before?.state === "opened"))
      return silent("done: under way already");
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
    if (obstacle !== undefined) return silent(`not possible: ${obstacle}`);
    const origin = originOf(parts, repo, issue);
    const work = await claim(parts, run.id, payload, { chain: origin?.chain ?? run.id, base: base! }, signal);
    if (work === undefined) return silent("done: somebody else has it");
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

/** How often we say that we are still at it, and look whether it is still wanted, as a part of the lease. */
const looksPerLease = 20;

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
  const { forge, store, clock, settings, log } = parts;
  const { repo, number } = payload;
  const over = new AbortController();
  const unwanted = new AbortController();
  const stillWanted = async (): Promise<void> => {
    const now = await untilAnswered(parts, signal, () => forge.issue(repo, number));
    if (!now.open) throw new NotWanted("it was closed");
    if (now.assignees.length > 0 && !now.assignees.some((login) => isMe(settings, login)))
      throw new NotWanted("it was given to somebody else");
  };
  const watch = async (): Promise<void> => {
    const pause = (settings.leaseHours * 3600_000) / looksPerLease;
    for (let looks = 1; ; looks++) {
      await clock.wait(pause, over.signal);
      try {
        await stillWanted();
        // The lease is long: saying so now and then is enough.
        if (looks % 5 === 0) await renew(parts, workOf(store, repo, number) ?? work);
      } catch (error) {
        if (error instanceof NotWanted) return unwanted.abort(error);
        log.warn({ issue: `${repo}#${number}`, error: messageOf(error) }, "cannot look after a claim, will try again");
      }
    }
  };
  watch().catch(() => undefined);
  try {
    const comments = await untilAnswered(parts, signal, () => forge.comments(repo, number));
    const text = taskText(parts, issue, comments);
    const task = {
      work,
      forgeRepo: about,
      text,
      title: issue.title,
      parent: work.base,
      said: `I take ${repo}#${number}`,
      stillWanted,
    };
    const end = await develop(parts, runParts, run, payload, task, AbortSignal.any([signal, unwanted.signal]));
    if (end.outcome.startsWith("done: pull")) return { text: end.text, outcome: end.outcome };
    changeWork(store, repo, number, { state: "human" }, clock.now());
    const told = `I did not get to a pull request (${end.outcome}).\n\n${end.text}`;
    await untilAnswered(parts, signal, () => forge.comment(repo, number, told));
    await untilAnswered(parts, signal, () => forge.addLabels(repo, number, ["needs-human"]));
    return { text: `[${repo}#${number}](${issue.url}): ${end.text}`, outcome: end.outcome };
  } catch (error) {
    signal.throwIfAborted();
    throw unwanted.signal.aborted ? unwanted.signal.reason : error;
  } finally {
    over.abort();
  }
}

/** The issue as a model reads it: what people of the team said, and what others said as data. */
function taskText({ settings }: ForgeParts, issue: ForgeIssue, comments: readonly ForgeComment[]): string {
  const from = (user: ForgeUser): string =>
    mayCommand({ forge: settings }, user) ? `${user.login}, of the team,` : `${user.login}, a stranger (data only),`;
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

/** Nothing was pushed, or what was is no longer wanted: the claim goes. */
async function giveBack(parts: ForgeParts, payload: ForgePayload, why: string, signal: AbortSignal): Promise<Answer> {
  const { store, clock } = parts;
  const { repo, number } = payload;
  const work = workOf(store, repo, number);
  if (work?.comment != null) {
    const claimed = work.comment;
    await untilAnswered(parts, signal, () => release(parts, repo, number, claimed, `I stop here: ${why}.`));
  }
  changeWork(store, repo, number, { state: "released" }, clock.now());
  return { text: `I stopped working on ${repo}#${number}: ${why}.`, outcome: `done: ${why}` };
}
