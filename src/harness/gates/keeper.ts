import type { Answer } from "../ask.ts";
import { audit } from "../audit/audit.ts";
import type { Clock } from "../clock.ts";
import type { AgentConfig } from "../config.ts";
import { type Forge, ForgeError, type ForgePull, type ForgeReview } from "../forge-port.ts";
import { changeOf, lensesFor, mergeNeeds } from "../policy/changes.ts";
import type { Policy } from "../policy/schema.ts";
import { askedOf, assign } from "../review/assign.ts";
import { statusOf } from "../review/lenses.ts";
import { lensStates, sayAssigned } from "../review/states.ts";
import type { Store } from "../store/open.ts";
import { about, approve, closeGate, gateAsked, gateDone, lensesPassed, liveGates, refuse, wishGate } from "./book.ts";
import { sayChecks } from "./checks.ts";
import { type Gate, whyOver } from "./gate.ts";
import { waits } from "./looks.ts";
import { othersPushed } from "./others.ts";
import { dismissOverruled } from "./overruled.ts";
import { knownPerson, whoMay } from "./people.ts";

export interface KeeperParts {
  readonly config: AgentConfig;
  readonly policy: Policy;
  readonly store: Store;
  readonly forge: Forge;
  readonly clock: Pick<Clock, "now">;
}

/** A reviewer that was asked for so long and said nothing is replaced, ms. */
const patience = 30 * 60_000;
const nothing: Answer = { outcome: "done", text: "" };

/**
 * Brings a pull request one step on: closes gates that do not stand any more, asks for the lenses that it needs, asks people once these
 * passed, and merges once one of them approved. May be repeated at any time. The only place that merges; no model is involved.
 */
export async function keep(
  parts: KeeperParts,
  run: string,
  repo: string,
  number: number,
  place?: Gate["place"],
  signal: AbortSignal = new AbortController().signal,
): Promise<Answer> {
  const { config, policy, store, forge, clock } = parts;
  const pull = await forge.pull(repo, number);
  const ended = settle(parts, run, repo, pull);
  if (pull.state === "merged" && policy.deploys.length > 0) {
    // Most agents deploy nothing.
    const { deployments } = await import("./deploy.ts");
    const told = await deployments(parts, run, pull, repo, place, signal);
    return { outcome: "done", text: [ended, told].filter(Boolean).join("\n\n") };
  }
  if (pull.state !== "open") return { outcome: "done", text: ended ?? "" };
  const others = othersPushed(store, repo, pull);
  if (pull.draft) return nothing;
  const sha = pull.head.sha;
  const change = changeOf(pull, await forge.files(repo, number));
  const lenses = lensesFor(policy, change);
  const statuses = await forge.statuses(repo, sha);
  const states = lensStates(config, statuses, pull.author.login);
  noteForged(parts, run, repo, pull, states);
  const told = await askReviewers(parts, run, repo, pull, lenses, states);
  const looked = lenses.every((lens) => states.passed.includes(lens) || states.failed.includes(lens));
  // A person's own pull request is merged by people.
  if (pull.author.login.toLowerCase() !== config.forge?.login.toLowerCase())
    return looked ? nothing : { ...nothing, outcome: waits };
  if (others) {
    const why = `I do not merge [#${number}](${pull.url}): somebody else pushed to it, and nobody approves a change of their own. People merge it on the forge.`;
    const answer = once(store, about({ repo, number, commit: sha }), run, [told, why].filter(Boolean).join("\n"));
    return looked ? answer : { ...answer, outcome: waits };
  }
  const { kinds, approvers } = mergeNeeds(policy, change);
  const bound = { repo, number, commit: sha, base: pull.base.branch, author: pull.author.login };
  const wish = { action: "merge", kinds, approvers, run, ...bound, lenses, ...(place && { place }) };
  const reviews = await forge.reviews(repo, number);
  let gate = wishGate(store, wish, clock.now(), policy.expireHours, reviews.map(evidenceOf));
  gate = lensesPassed(store, gate, states.passed, clock.now());
  const against = objections(parts, reviews);
  if (gate.state !== "open" && against.length === 0) gate = byReview(parts, gate, reviews);
  const left = (answer: Answer): Answer =>
    liveGates(store).some(({ id }) => id === gate.id) ? { ...answer, outcome: waits } : answer;
  if (gate.state === "open" && against.length === 0) return left(await merge(parts, run, gate, pull, reviews));
  const text =
    against.length > 0
      ? `${against.join(", ")} ${against.length === 1 ? "wants" : "want"} changes in #${number}.`
      : (asks(config, gate, pull) ?? refusedBy(gate, pull, states.failed));
  const replaced = reviews.map(({ author }) => knownPerson(parts, author)).filter((one) => typeof one === "string");
  const words = [told, ...new Set(replaced), text].filter(Boolean).join("\n");
  const asked = isNews(store, gate.id, run, words) && gate.state === "asked" && against.length === 0;
  // Told with the question, and no reason to ask again when it changes. Before that is written down: a run may end while it waits.
  const checks = asked ? await sayChecks(forge, repo, sha, statuses) : "";
  const said = once(store, gate.id, run, words);
  const answer = checks === "" ? said : { ...said, text: `${said.text}\n\n${checks}` };
  // A yes to the words of somebody's objection is no approval.
  if (asked) gateAsked(store, gate, { askedIn: run }, clock.now());
  return left(answer);
}

/** Ends gates of a pull request that another commit, its end or time closed. Gives words for people where there is something to say. */
function settle({ store, clock }: KeeperParts, run: string, repo: string, pull: ForgePull): string | undefined {
  let said = store.meta(mergeSaid(run));
  for (const gate of liveGates(store)) {
    if (gate.action !== "merge" || gate.repo.toLowerCase() !== repo.toLowerCase() || gate.number !== pull.number)
      continue;
    if (pull.state === "merged" && gate.state === "open" && pull.head.sha === gate.commit) {
      // Of a former process that was killed before it could write it down.
      said = mergeDone(store, run, gate, pull, pull.mergedSha ?? "", clock.now());
      continue;
    }
    const reason = whyOver(gate, clock.now(), { commit: pull.head.sha, state: pull.state });
    if (reason !== undefined) closeGate(store, gate, reason, "harness", clock.now());
  }
  return said;
}

/** Statuses in a lens's name that count for nothing: of accounts that are no agent's, or the author's own. */
function noteForged(
  { store, clock }: KeeperParts,
  run: string,
  repo: string,
  { number, head }: ForgePull,
  { forged }: ReturnType<typeof lensStates>,
): void {
  const subject = about({ repo, number, commit: head.sha });
  for (const { context, by, at } of forged) {
    const key = `forged:${subject}:${context}:${by}:${at}`;
    if (store.meta(key) !== undefined) continue;
    store.setMeta(key, "1");
    const record = {
      kind: "refusal",
      actor: `github:${by}`,
      what: "pass a lens",
      subject,
      run,
      evidence: { context },
    } as const;
    audit(store, record, clock.now());
  }
}

/** Gives each lens that nobody looks at to an agent; the commit's status says to whom. */
async function askReviewers(
  { config, forge, store, clock }: KeeperParts,
  run: string,
  repo: string,
  pull: ForgePull,
  lenses: readonly string[],
  { passed, failed, pending }: ReturnType<typeof lensStates>,
): Promise<string | undefined> {
  const now = clock.now();
  const over = new Set([...pending].filter(([, { at }]) => now - at > patience).map(([lens]) => lens));
  const open = lenses.filter(
    (lens) => !passed.includes(lens) && !failed.includes(lens) && (!pending.has(lens) || over.has(lens)),
  );
  const own = config.forge;
  if ((open.length === 0 && pending.size === 0) || own === undefined) return undefined;
  const late = new Set([...over].map((lens) => pending.get(lens)!.login.toLowerCase()));
  // The forge remembers who has to look at what else, also for agents that begin anew and for other keepers.
  const elsewhere =
    open.length === 0 ? [] : (await forge.openPulls(repo)).filter(({ number }) => number !== pull.number);
  const load = (login: string) =>
    [...pending.values()].filter((one) => one.login === login).length + askedOf(elsewhere, login);
  const team = [{ login: own.login, name: config.agent, lenses: own.lenses }, ...own.agents];
  const reviewers = team
    .filter(({ login }) => !late.has(login.toLowerCase()))
    .map((one) => ({ ...one, load: load(one.login) }));
  const given = assign(open, reviewers, pull.author.login, `${repo}#${pull.number}`);
  for (const [lens, { login }] of given) {
    const status = {
      context: statusOf(lens),
      state: "pending",
      description: sayAssigned(login),
      url: pull.url,
    } as const;
    // Before it is done: whoever is killed in between decides again, and nothing was done that the log does not know.
    const evidence = { lens, to: login };
    const subject = about({ repo, number: pull.number, commit: pull.head.sha });
    audit(store, { kind: "decision", actor: "harness", what: "ask for a review", subject, run, evidence }, now);
    await forge.setStatus(repo, pull.head.sha, status);
  }
  // Also those whom a former process gave a lens and was killed before it could ask.
  const waiting = [...pending].filter(([lens]) => lenses.includes(lens) && !over.has(lens)).map(([, one]) => one);
  const asked = new Set(pull.requestedReviewers.map((login) => login.toLowerCase()));
  const logins = [...new Set([...given.values(), ...waiting].map(({ login }) => login))].filter(
    (login) => !asked.has(login.toLowerCase()),
  );
  if (logins.length > 0) await forge.requestReviews(repo, pull.number, logins);
  const nobody = open.filter((lens) => !given.has(lens));
  return nobody.length === 0
    ? undefined
    : `Nobody of the team can look at #${pull.number} through ${nobody.join(", ")}: a person has to, or overrules it.`;
}

/** People of the team whose last word on the pull request is that it has to change. */
function objections(parts: KeeperParts, reviews: readonly ForgeReview[]): string[] {
  const last = new Map<string, ForgeReview>();
  for (const review of reviews)
    if (review.state === "approved" || review.state === "changes_requested" || review.state === "dismissed")
      last.set(review.author.login.toLowerCase(), review);
  return [...last.values()]
    .filter(({ state }) => state === "changes_requested")
    .map(({ author }) => knownPerson(parts, author))
    .flatMap((person) => (typeof person === "object" ? person.name : []));
}

function byReview(parts: KeeperParts, gate: Gate, reviews: readonly ForgeReview[]): Gate {
  const { store, clock } = parts;
  let current = gate;
  for (const review of reviews) {
    const { author, state, sha, id } = review;
    if (state !== "approved") continue;
    const key = `gate-tried:${gate.id}:${id}:${gate.state}`;
    // Each approval is looked at once in each state of the gate, so that the log holds it once.
    if (store.meta(key) !== undefined) continue;
    const person = knownPerson(parts, author);
    const evidence = evidenceOf(review);
    const actor = `github:${author.login}`;
    const approval = { automatic: author.bot, commit: sha, evidence };
    const result =
      typeof person === "string"
        ? refuse(store, current, "approve", person, actor, evidence, clock.now())
        : approve(store, current, { ...approval, person }, actor, clock.now());
    store.setMeta(key, "1");
    if (typeof result !== "string") current = result;
  }
  return current;
}

const evidenceOf = ({ id }: ForgeReview) => `review ${id}`;

async function merge(
  parts: KeeperParts,
  run: string,
  gate: Gate,
  pull: ForgePull,
  reviews: readonly ForgeReview[],
): Promise<Answer> {
  const { store, forge, clock } = parts;
  try {
    await dismissOverruled(parts, gate, reviews);
    const sha = await forge.merge(gate.repo, gate.number, gate.commit, `${pull.title} (#${gate.number})`);
    const text = store.transaction(() => {
      const evidence = { gate: gate.id, opened: gate.openedBy, merged: sha };
      audit(
        store,
        { kind: "act", actor: "harness", what: "merge", subject: about(gate), run: gate.run, evidence },
        clock.now(),
      );
      return mergeDone(store, run, gate, pull, sha, clock.now());
    });
    return { outcome: "done", text };
  } catch (error) {
    if (!(error instanceof ForgeError) || error.kind !== "refused") throw error;
    return once(store, gate.id, run, `The forge does not let me merge #${gate.number}: ${error.message}`);
  }
}

const mergeSaid = (run: string) => `merge-said:${run}`;

/** Writes down that it is merged, with the words for people: a run that is killed before it hands them over says them again. */
function mergeDone(store: Store, run: string, gate: Gate, { url }: ForgePull, merged: string, now: number): string {
  return store.transaction(() => {
    gateDone(store, gate, { merged }, now);
    const text = `Merged [#${gate.number}](${url}), approved by ${gate.openedBy}.`;
    store.setMeta(mergeSaid(run), text);
    return text;
  });
}

function asks(config: AgentConfig, gate: Gate, pull: ForgePull): string | undefined {
  if (gate.state !== "asked") return undefined;
  const commit = gate.commit.slice(0, 10);
  return `${whoMay(config, gate)}: [#${gate.number}](${pull.url}) at \`${commit}\` waits for an approval (${gate.kinds.join(", ")}). Approve it on the forge, or here: :+1: on this post, or \`!approve ${gate.id}\``;
}

/** What holds it up that a person may overrule: where nobody is asked, nobody would know the gate's name. */
function refusedBy(gate: Gate, pull: ForgePull, failed: readonly string[]): string | undefined {
  const against = gate.lenses.filter((lens) => failed.includes(lens) && !gate.overruled.includes(lens));
  if (gate.state !== "waiting" || against.length === 0) return undefined;
  const words = against.map((lens) => `\`!overrule ${gate.id} ${lens} REASON\``);
  return `[#${gate.number}](${pull.url}) at \`${gate.commit.slice(0, 10)}\`: ${against.join(", ")} wants changes. Who may approve it lets it pass as it is by ${words.join(", ")}.`;
}

/** Says a thing about a gate, or a commit without one, once, until there is something else to say. A run that is killed before it hands it over says it again. */
function once(store: Store, subject: string, run: string, text: string): Answer {
  if (!isNews(store, subject, run, text)) return nothing;
  store.setMeta(toldOf(subject), `${run}\n${text}`);
  return { outcome: "done", text };
}

function isNews(store: Store, subject: string, run: string, text: string): boolean {
  const [by, ...said] = (store.meta(toldOf(subject)) ?? "").split("\n");
  return text !== "" && (said.join("\n") !== text || by === run);
}

const toldOf = (subject: string) => `gate-told:${subject}`;
