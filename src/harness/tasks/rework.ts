import type { Answer } from "../ask.ts";
import { untilAnswered } from "../forge/patient.ts";
import type { ForgeUser } from "../forge-port.ts";
import type { ForgePayload } from "../forge-work.ts";
import { othersPushed } from "../gates/others.ts";
import type { LoopEnd } from "../loop/loop.ts";
import type { RunParts } from "../run.ts";
import type { OpenRun } from "../store/runs.ts";
import { isAgent, mayCommand } from "../trust.ts";
import { commentOnce, outcomeMark } from "./comment-once.ts";
import { develop } from "./develop.ts";
import { type ForgeParts, isMe, needsHuman } from "./parts.ts";
import { quotedFrom } from "./quoted.ts";
import { changeWork, heardAtStart, heardBy, type WorkRow, workOfPull } from "./table.ts";
import { NotWanted, whileWanted } from "./wanted.ts";

/** Rounds of review that an agent answers before a person has to. */
const mostRounds = 3;

/** Answers what was said about a pull request of ours, at most three times; then a person is asked. */
export async function doRework(
  parts: ForgeParts,
  runParts: RunParts,
  run: OpenRun,
  payload: ForgePayload,
  signal: AbortSignal,
): Promise<Answer> {
  const { forge, store, clock } = parts;
  const { repo, number } = payload;
  const ask = <T>(question: () => Promise<T>) => untilAnswered(parts, signal, question);
  const work = workOfPull(store, repo, number);
  if (work === undefined) return { text: "", outcome: "done: not mine" };
  const pull = await ask(() => forge.pull(repo, number));
  if (pull.state !== "open") return { text: "", outcome: `done: ${pull.state}` };
  // Before it is gone on from: afterwards the head is ours again.
  othersPushed(store, repo, pull);
  const { text, heard: known } = await feedback(parts, work, number, signal);
  // What came after a run had begun, and was killed, its model was never shown: that is the next round's.
  const heard = heardAtStart(store, run.id, known);
  if (text === undefined) return { text: "", outcome: "done: answered already" };
  if (work.rounds >= mostRounds) return callPerson(parts, run, work, number, heard, signal);
  const about = await ask(() => forge.repo(repo));
  const stillWanted = async (until: AbortSignal): Promise<void> => {
    const now = await untilAnswered(parts, until, () => forge.pull(repo, number));
    if (now.state !== "open") throw new NotWanted(`the pull request is ${now.state}`);
  };
  const task = {
    // People may have pushed as well: their work is gone on with.
    work: { ...work, head: pull.head.sha },
    forgeRepo: about,
    text,
    title: pull.title.replace(/ \(#\d+\)$/, ""),
    parent: pull.head.sha,
    pull: number,
    said: `I answer the review of ${repo}#${number}`,
    stillWanted,
  };
  let end: LoopEnd;
  try {
    end = await whileWanted(parts, { name: `${repo}#${number}`, stillWanted }, signal, (until) =>
      develop(parts, runParts, run, payload, task, until),
    );
  } catch (error) {
    if (!(error instanceof NotWanted)) throw error;
    return { text: `I stopped working on ${repo}#${number}: ${error.message}.`, outcome: `done: ${error.message}` };
  }
  const round = `Round ${work.rounds + 1} of ${mostRounds}. ${end.text}`;
  await commentOnce(parts, { repo, number, kind: outcomeMark, id: run.id }, round, signal);
  changeWork(store, repo, work.number, { rounds: work.rounds + 1, heard }, clock.now());
  return { text: `[${repo}#${number}](${pull.url}): ${end.text}`, outcome: end.outcome };
}

/** What people and agents of the team said since the last round, undefined when that is nothing; and what is answered with it, for `heard`. */
async function feedback(
  parts: ForgeParts,
  work: WorkRow,
  number: number,
  signal: AbortSignal,
): Promise<{ text: string | undefined; heard: string }> {
  const { forge, settings, store } = parts;
  const { repo } = work;
  const ask = <T>(question: () => Promise<T>) => untilAnswered(parts, signal, question);
  const before = heardBy(work);
  const counts = (name: string, author: ForgeUser): boolean =>
    !before.has(name) && !isMe(settings, author.login) && mayCommand({ forge: settings, store }, author);
  const [reviews, lines, comments] = await Promise.all([
    ask(() => forge.reviews(repo, number)),
    ask(() => forge.reviewComments(repo, number)),
    ask(() => forge.comments(repo, number)),
  ]);
  const wanted = reviews.filter(
    ({ id, author, state }) =>
      counts(`review-${id}`, author) && (state === "changes_requested" || state === "commented"),
  );
  const onLines = lines.filter(({ id, author }) => counts(`line-${id}`, author));
  const said = comments.filter(
    ({ id, author }) => counts(`comment-${id}`, author) && !isAgent({ forge: settings }, author),
  );
  const heard = JSON.stringify([
    ...before,
    ...wanted.map(({ id }) => `review-${id}`),
    ...onLines.map(({ id }) => `line-${id}`),
    ...said.map(({ id }) => `comment-${id}`),
  ]);
  if (wanted.length + onLines.length + said.length === 0) return { text: undefined, heard };
  const text = [
    `Your pull request #${number} for issue #${work.number} was reviewed. Change what has to be changed; where you do not agree, say why in the summary.`,
    ...wanted
      .filter(({ body }) => body.trim() !== "")
      .map(({ author, body }) => quotedFrom(author.login, body.slice(0, 10_000))),
    ...onLines.map(({ author, body, path, line }) =>
      quotedFrom(`${author.login}, on ${path}${line === undefined ? "" : `:${line}`},`, body.slice(0, 4000)),
    ),
    ...said.map(({ author, body }) => quotedFrom(author.login, body.slice(0, 4000))),
  ].join("\n\n");
  return { text, heard };
}

async function callPerson(
  parts: ForgeParts,
  run: OpenRun,
  work: WorkRow,
  number: number,
  heard: string,
  signal: AbortSignal,
): Promise<Answer> {
  const { forge, store, clock, settings } = parts;
  const { repo } = work;
  const person = settings.people.find(({ command }) => command);
  const call = (name: string | undefined) => (name === undefined ? "A person" : `@${name}`);
  const what = `I answered ${mostRounds} rounds of review and stop here: ${call(person?.login)} has to say how to go on.`;
  await commentOnce(parts, { repo, number, kind: outcomeMark, id: run.id }, what, signal);
  await untilAnswered(parts, signal, () => forge.addLabels(repo, number, [needsHuman]));
  changeWork(store, repo, work.number, { state: "human", heard }, clock.now());
  return {
    text: `${repo}#${number}: I answered ${mostRounds} rounds of review. ${call(person?.name)} please say how to go on.`,
    outcome: "needs a person",
  };
}
