import { messageOf } from "../../base/errors.ts";
import { calledInChat } from "../called.ts";
import { untilAnswered } from "../chat/patient.ts";
import { type Chat, ChatError } from "../chat-port.ts";
import type { Clock } from "../clock.ts";
import type { AgentConfig } from "../config.ts";
import { sayOnce } from "../deliver.ts";
import { harnessStops } from "../harness-state.ts";
import type { PostPayload } from "../intake.ts";
import type { Log } from "../log.ts";
import type { Policy } from "../policy/schema.ts";
import type { Store } from "../store/open.ts";
import { recordStep } from "../store/steps.ts";
import { closeGate, gateAsked, gateDone, gateOf, refuse, wishGate } from "./book.ts";
import { aboutGate, type Gate, whyOver } from "./gate.ts";
import { whoMay } from "./people.ts";

export interface AskParts {
  readonly config: AgentConfig;
  readonly store: Store;
  readonly chat: Chat;
  readonly clock: Clock;
  readonly log: Log;
}

/** An act in the middle of a run that takes a person's yes. */
export interface Wish {
  readonly policy: Policy;
  readonly run: string;
  /** What the run answers: people are asked in its thread. */
  readonly post: Pick<PostPayload, "channelId" | "rootId" | "hops">;
  /** Names the act to the letter: whatever else is done takes another yes. */
  readonly action: string;
  readonly kinds: Gate["kinds"];
  readonly approvers: readonly string[];
  /** The question, after the names of those who are asked. */
  readonly question: string;
}

/** How often the store is looked at, ms. */
const lookEvery = 1000;

/**
 * Asks people for an act of a run, and waits. Undefined: one of them who may said yes, and the act may happen now, once. Else why not, in
 * words. A next process of the same run goes on waiting. Throws only the signal's reason, or what the store throws.
 */
export async function askPeople(parts: AskParts, wish: Wish, signal: AbortSignal): Promise<string | undefined> {
  const { store, clock } = parts;
  const began = clock.now();
  const place = await placeOf(parts, wish, signal);
  if (place === undefined)
    return "nobody can be asked: this work has no thread, and the team no channel for operations";
  const wished = gateFor(parts, wish, place);
  if (wished.state === "asked" && wished.post === undefined) {
    const told = await tell(parts, wish, wished, place, signal);
    if (typeof told === "string") return told;
  }
  const refused = await decided(parts, wished, signal);
  recordStep(store, {
    run: wish.run,
    kind: "approval",
    at: began,
    tookMs: clock.now() - began,
    outcome: refused === undefined ? "ok" : "refused",
    detail: refused ?? aboutGate(wished),
  });
  return refused;
}

/** Undefined once somebody opened the gate, which is done with then; else why nobody will. */
async function decided(parts: AskParts, wished: Gate, signal: AbortSignal): Promise<string | undefined> {
  const { store, clock } = parts;
  for (;;) {
    if (signal.aborted) return leave(parts, wished, signal);
    const gate = gateOf(store, wished.id) ?? wished;
    if (gate.state === "closed") return gate.reason ?? "it is closed";
    const over = whyOver(gate, clock.now());
    if (over !== undefined) return closeGate(store, gate, over, "harness", clock.now()).reason;
    if (gate.state === "open") {
      // Before the act: a process that is killed in the middle of it does not do it again.
      gateDone(store, gate, {}, clock.now());
      return undefined;
    }
    await clock.wait(lookEvery, signal).catch(() => undefined);
  }
}

/** Work that was ended for good needs no yes any more. */
function leave({ store, clock }: AskParts, wished: Gate, signal: AbortSignal): never {
  const reason = messageOf(signal.reason);
  const gate = gateOf(store, wished.id);
  if (reason !== harnessStops && gate !== undefined) closeGate(store, gate, reason, "harness", clock.now());
  throw signal.reason;
}

/** Its gate: a new one where the act was allowed and done before; the old one, closed, where somebody said no. */
function gateFor({ store, clock }: AskParts, wish: Wish, place: NonNullable<Gate["place"]>): Gate {
  const { policy, run, kinds, approvers, question } = wish;
  for (let time = 1; ; time++) {
    const action = time === 1 ? wish.action : `${wish.action} ${time}`;
    const bound = { action, run, repo: "", number: 0, commit: "" };
    const who = { kinds, approvers: approvers.length === 0 ? undefined : approvers, author: "", lenses: [] };
    const gate = wishGate(store, { ...bound, ...who, place, question }, clock.now(), policy.expireHours);
    if (gate.state !== "done") return gate;
  }
}

async function tell(
  parts: AskParts,
  { question, post }: Wish,
  gate: Gate,
  place: NonNullable<Gate["place"]>,
  signal: AbortSignal,
): Promise<Gate | string> {
  const { config, store, clock } = parts;
  const how = `It waits for an approval (${gate.kinds.join(", ")}): :+1: on this post, or \`!approve ${gate.id}\`; \`!refuse ${gate.id}\` says no.`;
  const text = `${await calledInChat(parts, whoMay(config, gate))}: ${question}\n\n${how}`;
  // Not the run's own name: what asks is no answer of it.
  const marker = { run: `gate-${gate.id}`, part: 0, source: `gate-${gate.id}`, hops: post.hops + 1 };
  try {
    const id = await untilAnswered(parts, signal, () => sayOnce(parts, { ...place, text, marker }, true));
    return gateAsked(store, gate, { post: id }, clock.now());
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    return refuse(store, gate, "ask for", `nobody can be asked: ${error.message}`, "harness", "", clock.now());
  }
}

/** The run's thread, or else the team's channel for operations. */
async function placeOf(parts: AskParts, { post }: Wish, signal: AbortSignal) {
  const { channelId, rootId } = post;
  if (channelId !== "") return { channelId, rootId };
  const { operations } = parts.config.chat;
  if (operations === undefined) return undefined;
  try {
    return { channelId: await untilAnswered(parts, signal, () => parts.chat.channelNamed(operations)), rootId: "" };
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    return undefined;
  }
}
