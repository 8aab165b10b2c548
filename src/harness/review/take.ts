import { createHash } from "node:crypto";
import { audit } from "../audit/audit.ts";
import type { AgentConfig } from "../config.ts";
import type { ForgePull, ForgeUser } from "../forge-port.ts";
import { type Doer, type ForgeChange, type ForgePayload, forgeSource, laneOf, type Taker } from "../forge-work.ts";
import { namedGate } from "../gates/book.ts";
import { enterLooks, waits } from "../gates/looks.ts";
import { receive } from "../store/inbox.ts";
import type { Store } from "../store/open.ts";
import { isAgent, mayCommand } from "../trust.ts";
import { keeperOf } from "./assign.ts";
import { lensOf } from "./lenses.ts";
import { type ReviewParts, reviewPull } from "./review.ts";
import { isWornBy } from "./states.ts";

/** The place in the chat where a pull request's work began; undefined where none is known for sure. */
export type Origin = (repo: string, pull: ForgePull) => Pick<ForgePayload, "channelId" | "rootId" | "hops"> | undefined;

interface TakeParts {
  readonly origin?: Origin;
  readonly config: Pick<AgentConfig, "forge">;
  readonly store: Store;
}

/**
 * Whether a pull request is work for the team: of one of its own, or by a stranger where somebody who may give tasks has put the
 * repository's label on. Who did counts, never what the text says.
 */
function isWelcome({ config, store }: TakeParts, { repo, pull, events }: ForgeChange): boolean {
  if (pull === undefined) return false;
  const may = (user: ForgeUser): boolean => mayCommand({ forge: config.forge, store }, user);
  if (may(pull.author)) return true;
  const label = config.forge?.repositories.find(({ name }) => name.toLowerCase() === repo.toLowerCase())?.label;
  const key = `welcome:${repo.toLowerCase()}#${pull.number}`;
  const invited = events.some(({ kind, actor, subject }) => kind === "labeled" && subject === label && may(actor));
  if (invited) store.setMeta(key, "1");
  return store.meta(key) !== undefined;
}

/** Who put the label on and asked for reviews, and the pull request with its reviews. */
const wants: Taker["wants"] = (_, { isPull }) => ({ events: isPull, comments: isPull, pull: isPull });

const payloadOf = ({ origin }: TakeParts, repo: string, pull: ForgePull, id: string): ForgePayload => ({
  id,
  ...(origin?.(repo, pull) ?? { channelId: "", rootId: "", hops: 0 }),
  authorId: `${forgeSource}:${pull.author.login}`,
  text: pull.title,
  createdAt: pull.updatedAt,
  direct: false,
  repo,
  number: pull.number,
});

/** Also a part of the run's name: fit for folders and addresses. */
const idOf = (repo: string, number: number): string => `${repo.toLowerCase().replace("/", ".")}-${number}`;

/** Reviews that this agent is asked for. */
export function reviewTaker(parts: TakeParts): Taker {
  const take: Taker["take"] = (change, now) => {
    const { config, store } = parts;
    const { repo, pull, events } = change;
    if (pull === undefined || config.forge === undefined || pull.state !== "open" || pull.draft) return;
    const own = config.forge.login.toLowerCase();
    if (!pull.requestedReviewers.some((login) => login.toLowerCase() === own) || !isWelcome(parts, change)) return;
    // A new head is another review, and so is being asked once more: for another lens, or where the last look came to nothing.
    const asked = events.findLast(({ kind }) => kind === "review_requested")?.id;
    const commit = pull.head.sha.slice(0, 20);
    const sourceId = [`review-${idOf(repo, pull.number)}-${commit}`, ...(asked === undefined ? [] : [asked])].join("-");
    const entry = { source: forgeSource, sourceId, lane: laneOf(repo, pull.number), kind: "review" as const };
    const payload = payloadOf(parts, repo, pull, sourceId);
    receive(store, { ...entry, author: pull.author.login, createdAt: pull.updatedAt, payload }, now);
  };
  return { wants, take };
}

/** Pull requests that this agent looks after: its own, and those of people that fall to it. */
export function gateTaker(parts: TakeParts): Taker {
  const take: Taker["take"] = (change, now) => {
    const { config, store } = parts;
    const { repo, pull, reviews = [] } = change;
    if (pull === undefined || config.forge === undefined || !isWelcome(parts, change)) return;
    const { login, agents } = config.forge;
    const keeper = keeperOf(
      [login, ...agents.map((agent) => agent.login)],
      pull.author.login,
      `${repo}#${pull.number}`,
    );
    if (keeper !== login) return;
    noteWords(parts, change, now);
    // The forge's times are whole seconds: what changed within one is told apart by what there is.
    const { head, state, draft, labels, updatedAt, number } = pull;
    const is = JSON.stringify([
      head.sha,
      state,
      draft,
      labels,
      updatedAt,
      reviews.map(({ id, state: said }) => [id, said]),
    ]);
    const sourceId = `gate-${idOf(repo, number)}-${createHash("sha256").update(is).digest("hex").slice(0, 20)}`;
    const entry = { source: forgeSource, sourceId, lane: laneOf(repo, number), kind: "gate" as const };
    receive(
      store,
      { ...entry, author: pull.author.login, createdAt: updatedAt, payload: payloadOf(parts, repo, pull, sourceId) },
      now,
    );
  };
  return { wants, take, looked: (repo, now) => enterLooks(parts.store, repo, now) };
}

/** The forge's texts open nothing, whoever wrote them: that somebody tried is written down. */
function noteWords({ store }: TakeParts, { repo, comments, pull, reviews = [] }: ForgeChange, now: number): void {
  const texts = [
    ...comments.map(({ id, author, body }) => ({ id: `comment ${id}`, author, text: body })),
    ...reviews.map(({ id, author, body }) => ({ id: `review ${id}`, author, text: body })),
    ...(pull === undefined
      ? []
      : [{ id: `pull ${pull.number}`, author: pull.author, text: `${pull.title} ${pull.body}` }]),
  ];
  for (const { id, author, text } of texts) {
    const gate = namedGate(store, text)?.id;
    const key = `words:${repo.toLowerCase()}:${id}:${gate}`;
    if (gate === undefined || store.meta(key) !== undefined) continue;
    store.setMeta(key, "1");
    const evidence = { gate, with: id };
    audit(
      store,
      { kind: "refusal", actor: `github:${author.login}`, what: "open by text", subject: repo, evidence },
      now,
    );
  }
}

/** Looks through each lens that was given to this agent for the pull request's head. */
export function reviewDoer(parts: ReviewParts): Doer {
  return async (run, payload, signal) => {
    const { repo, number } = payload;
    const { forge, config } = parts;
    const { login } = await forge.account();
    const pull = await forge.pull(repo, number);
    const said: string[] = [];
    let given = false;
    for (const status of await forge.statuses(repo, pull.head.sha)) {
      const lens = lensOf(status.context);
      if (lens === undefined || status.author === undefined || !isAgent(config, status.author)) continue;
      // Of a lens whose status is set already, the review may be missing: a former process was killed between them.
      if (!isWornBy(status, login)) continue;
      given = true;
      const result = await reviewPull(parts, { repo, number, lens, run: run.id, signal, wearer: login });
      if (result === undefined) return { outcome: "done", text: "" };
      // Asked for twice, as when the forge tells of the request before it tells who made it: that run said so.
      if (typeof result !== "string" && result.known && result.run !== run.id) continue;
      const link = `[#${number}](${pull.url})`;
      if (typeof result === "string") said.push(`I could not look at ${link} through ${lens}: ${result}`);
      else said.push(`${lens} review of ${link}: ${result.verdict === "pass" ? "no objections" : "changes wanted"}.`);
    }
    // Asked by somebody before the pull request's keeper gave it a lens: nobody is asked twice, so it looks again by itself.
    const asked =
      pull.state === "open" && pull.requestedReviewers.some((one) => one.toLowerCase() === login.toLowerCase());
    return { outcome: asked && !given ? waits : "done", text: said.join("\n") };
  };
}
