import { audit } from "../audit/audit.ts";
import type { AgentConfig } from "../config.ts";
import { type ForgePayload, forgeSource, laneOf } from "../forge-work.ts";
import { chatSource, type PostPayload } from "../intake.ts";
import { mentions } from "../mention.ts";
import { receive } from "../store/inbox.ts";
import type { Store } from "../store/open.ts";
import { approve, closeGate, gateOf, overruleLens, refuse, wishGate } from "./book.ts";
import { type Approval, type Gate, mayOpen, turnedDown, wayBack } from "./gate.ts";
import { chatPerson } from "./people.ts";
import type { GateWord } from "./words.ts";

/**
 * What a post to a gate does, and what is answered; undefined: nothing is (the gate is another agent's, or a bot wrote it). `said`: the
 * word, or the gate that other words name. Whether it may is decided by the id of the account that wrote the post, by nothing in it.
 */
export function answerGate(
  parts: { config: AgentConfig; store: Store; clock: { now(): number } },
  post: PostPayload,
  said: GateWord | Gate,
): string | undefined {
  // A gate that is open leads to its act: both are written down, or neither.
  return parts.store.transaction(() => answer(parts, post, said));
}

function answer(
  { config, store, clock }: Parameters<typeof answerGate>[0],
  post: PostPayload,
  said: GateWord | Gate,
): string | undefined {
  const now = clock.now();
  const actor = `${chatSource}:${post.authorId}`;
  if (!("word" in said)) {
    refuse(store, said, "open", "these are other words", actor, `post ${post.id}`, now);
    return (
      chatPerson(config, post.authorId) && `Nothing was opened. Write \`!approve ${said.id}\`, and nothing beside it.`
    );
  }
  const { word, id, lens, reason } = said;
  const automatic = post.automatic === true || isBot(config, post.authorId);
  const gate = gateOf(store, id);
  if (gate === undefined) {
    if (automatic)
      audit(store, { kind: "refusal", actor, what: word, evidence: { gate: id, reason: "there is none" } }, now);
    // Said to all who are there, it is another agent's.
    const toUs = !automatic && (post.direct || mentions(post.text, config.agent));
    return toUs ? `I have no gate \`${id}\`. Look at its number, or ask the agent who wanted it.` : undefined;
  }
  const person = chatPerson(config, post.authorId);
  const evidence = post.reactedTo === undefined ? `post ${post.id}` : `reaction to ${post.reactedTo}`;
  const approval: Approval = { person, automatic, commit: undefined, evidence };
  const result =
    word === "overrule"
      ? overruleLens(store, gate, approval, lens!, reason!, actor, now)
      : word === "approve"
        ? openBy(store, gate, approval, actor, now)
        : word === "back"
          ? goBack(store, config.policy?.expireHours ?? 0, gate, approval, actor, now)
          : turnDown(store, gate, approval, actor, now);
  // Bots are not argued with, nor is whoever only reacts to what they read.
  const silent = automatic || (post.reactedTo !== undefined && person === undefined);
  if (typeof result === "string") return silent ? undefined : `That does not open it: ${result}.`;
  const { repo, number } = gate;
  const payload: ForgePayload = { ...post, ...gate.place, repo, number, hops: 0 };
  const entry = {
    source: forgeSource,
    sourceId: `gate-${id}-${post.id}`,
    lane: laneOf(repo, number),
    kind: "gate" as const,
  };
  // What is asked for in the middle of a run is waited for there.
  if (repo !== "") receive(store, { ...entry, author: post.authorId, createdAt: post.createdAt, payload }, now);
  const done = {
    approve: "Approved.",
    refuse: "It stays closed.",
    back: "Going back.",
    overrule: `Noted: ${lens} is overruled.`,
  };
  return done[word];
}

/** To the commit that was there before a deployment: a gate of its own, opened with the word by somebody who could have opened that one. */
function goBack(
  store: Store,
  hours: number,
  gate: Gate,
  approval: Approval,
  actor: string,
  now: number,
): Gate | string {
  const { before, kinds, approvers, run, repo, number, author, place } = gate;
  const action = wayBack(gate);
  if (before === undefined || action === undefined)
    return refuse(store, gate, "go back", "nothing is known to go back to", actor, approval.evidence, now);
  const wish = {
    action,
    kinds,
    approvers,
    run,
    repo,
    number,
    author,
    commit: before,
    lenses: [],
    ...(place && { place }),
  };
  return openBy(store, wishGate(store, wish, now, hours), approval, actor, now);
}

/** Opens a gate, once. A post that did so before this process was killed says so again. */
function openBy(store: Store, gate: Gate, approval: Approval, actor: string, now: number): Gate | string {
  return gate.openedWith === approval.evidence ? gate : approve(store, gate, approval, actor, now);
}

/** Whoever may open a gate may also close it for good. */
function turnDown(store: Store, gate: Gate, approval: Approval, actor: string, now: number): Gate | string {
  const { automatic, person } = approval;
  const may = !automatic && person !== undefined && mayOpen(person, gate);
  // What an approval says to somebody who may not is true of a refusal too.
  if (!may) return approve(store, gate, approval, actor, now);
  return closeGate(store, gate, turnedDown(person.name), actor, now);
}

const isBot = ({ chat }: AgentConfig, id: string) => id === chat.botId || chat.agents.some((agent) => agent.id === id);
