import { createHash } from "node:crypto";
import type { GateKind } from "../policy/schema.ts";

/**
 * `waiting`: lenses have not passed yet. `asked`: people are asked. `open`: somebody who may has approved, and the act may happen, once.
 * `done`: it happened. `closed`: it will not.
 */
export type GateState = "waiting" | "asked" | "open" | "done" | "closed";

/** An act that only a named person may allow, bound to what is to be done with which commit, and to the run that wants it. */
export interface Gate {
  /** Of everything that it is bound to: another commit is another gate. */
  readonly id: string;
  /** `merge`, `deploy shop`, `back shop`. */
  readonly action: string;
  /** Who approves must be trusted with all of them. */
  readonly kinds: readonly GateKind[];
  /** Names; undefined: whoever is trusted with the kinds. */
  readonly approvers: readonly string[] | undefined;
  readonly run: string;
  /** Empty for an act without a commit. */
  readonly repo: string;
  readonly number: number;
  readonly commit: string;
  /** Of a merge: the branch that it goes into. */
  readonly base?: string;
  /** The account that wrote the change: it never approves its own. */
  readonly author: string;
  readonly state: GateState;
  /** Lenses that have to pass first, and those of them that a person overruled. */
  readonly lenses: readonly string[];
  readonly overruled: readonly string[];
  /** Of a gate in place of another one: approvals from before people were asked anew. They open nothing. */
  readonly former?: readonly string[];
  /** Ms. */
  readonly createdAt: number;
  readonly expiresAt: number;
  /** The person who opened it, and with what: `review 17`, a post's id. */
  readonly openedBy?: string;
  readonly openedWith?: string;
  /** When the act began, of one that takes long: whether it ended is not known as long as this stands. */
  readonly begun?: number;
  /** Of a deployment: the commit that was there before. */
  readonly before?: string;
  /** Why it is closed. */
  readonly reason?: string;
  /** The thread that it belongs to, where one is known: what comes of it is said there. */
  readonly place?: { readonly channelId: string; readonly rootId: string };
  /** What people are asked, where it is more than a commit: all that they approve. */
  readonly question?: string;
  /** What asks for it: the answer of a run of this name, or a post. */
  readonly askedIn?: string;
  readonly post?: string;
}

type Bound = Pick<Gate, "action" | "repo" | "number" | "commit" | "run">;
/** What a gate is for, in a few words. */
export function aboutGate({ action, repo, number }: Pick<Gate, "action" | "repo" | "number">): string {
  if (repo !== "") return `${action} ${repo}#${number}`;
  return action.startsWith("run ") ? "run a marked script" : action;
}

/** Whether a person may open a gate, and close it for good. */
export function mayOpen(
  { name, approve }: Pick<Person, "name" | "approve">,
  gate: Pick<Gate, "kinds" | "approvers">,
): boolean {
  return gate.kinds.every((kind) => approve.includes(kind)) && (gate.approvers?.includes(name) ?? true);
}

type Needs = Pick<Gate, "kinds" | "approvers" | "lenses" | "base">;
export type GateWish = Bound & Needs & Pick<Gate, "author" | "place" | "question">;

/**
 * A gate's name: the first 40 bits of a hash of what it is bound to, for people to type. `time`: 2 for the second one that is
 * bound to the same, whose name is another: a word for the first opens nothing then.
 */
export function gateId({ action, repo, number, commit, run }: Bound, time = 1): string {
  // A change has one gate a commit, whichever run wants it; an act without a commit is bound to the run that asked.
  const bound = commit === "" ? [action, run] : [action, repo.toLowerCase(), String(number), commit];
  if (time > 1) bound.push(String(time));
  return createHash("sha256").update(bound.join("\n")).digest("hex").slice(0, 10);
}

export function newGate(wish: GateWish, now: number, expireHours: number, time = 1): Gate {
  return {
    ...wish,
    id: gateId(wish, time),
    state: wish.lenses.length === 0 ? "asked" : "waiting",
    overruled: [],
    createdAt: now,
    expiresAt: now + expireHours * 3600_000,
  };
}

/** A person of the team as a gate sees one: found by the id of an account, never by a name that somebody wrote. */
export interface Person {
  readonly name: string;
  readonly approve: readonly string[];
  /** Lower case. */
  readonly login: string | undefined;
}

/** Who wants to open a gate, and how. `person` is undefined for accounts that are no person's of the team. */
export interface Approval {
  readonly person: Person | undefined;
  /** The account was a bot's or a webhook's, whatever name it used. */
  readonly automatic: boolean;
  /** The commit that was approved: of a review; undefined in the chat, where the gate's id names it. */
  readonly commit: string | undefined;
  /** `review 17`, `post abc`, `reaction abc`. */
  readonly evidence: string;
}

/** Why an approval does not open a gate; undefined: it does. */
export function whyNot(gate: Gate, { person, automatic, commit, evidence }: Approval, now: number): string | undefined {
  if (gate.state === "open" || gate.state === "done") return "it is open already";
  if (gate.state === "closed") return `it is closed: ${gate.reason}`;
  if (now >= gate.expiresAt) return "it has expired";
  if (automatic) return "bots open no gates";
  if (person === undefined) return "the account is no person's of the team";
  if (person.login !== undefined && person.login === gate.author.toLowerCase())
    return "nobody approves a change of their own";
  const lacking = gate.kinds.filter((kind) => !person.approve.includes(kind));
  if (lacking.length > 0) return `${person.name} may not approve: ${lacking.join(", ")}`;
  if (gate.approvers !== undefined && !gate.approvers.includes(person.name))
    return `${person.name} is not among those who approve this: ${gate.approvers.join(", ") || "nobody"}`;
  if (commit !== undefined && commit !== gate.commit) return "another commit was approved";
  if (gate.former?.includes(evidence)) return "it was given before people were asked anew";
  if (gate.state === "waiting") return `lenses have not passed: ${missing(gate).join(", ")}`;
  return undefined;
}

const missing = ({ lenses, overruled }: Gate) => lenses.filter((lens) => !overruled.includes(lens));

/** With what the lenses say of the gate's commit: people are asked once all have passed or were overruled, and not any more once one fails. */
export function withLenses(gate: Gate, passed: readonly string[]): Gate {
  if (gate.state !== "waiting" && gate.state !== "asked") return gate;
  const through = missing(gate).every((lens) => passed.includes(lens));
  return { ...gate, state: through ? "asked" : "waiting" };
}

/** A person who may open it lets it pass in spite of lenses. Gives the gate, or why not. */
export function overrule(gate: Gate, approval: Approval, lenses: readonly string[], now: number): Gate | string {
  // Those who may open it may overrule: everything but the lenses themselves is asked for.
  const refused = whyNot({ ...gate, state: gate.state === "waiting" ? "asked" : gate.state }, approval, now);
  if (refused !== undefined) return refused;
  const unknown = lenses.filter((lens) => !gate.lenses.includes(lens));
  if (unknown.length > 0) return `it does not wait for ${unknown.join(", ")}`;
  return { ...gate, overruled: [...new Set([...gate.overruled, ...lenses])] };
}

export function opened(gate: Gate, by: string, evidence: string): Gate {
  return { ...gate, state: "open", openedBy: by, openedWith: evidence };
}

export function closed(gate: Gate, reason: string): Gate {
  return gate.state === "done" || gate.state === "closed" ? gate : { ...gate, state: "closed", reason };
}

/** Why a gate does not stand any more, by what is now; undefined: it stands. An open one that nobody used expires as well. */
export function whyOver(
  gate: Gate,
  now: number,
  head?: { readonly commit: string; readonly state: string },
): string | undefined {
  if (head !== undefined && head.state !== "open") return `the pull request is ${head.state}`;
  if (head !== undefined && head.commit !== gate.commit) return "a new push: another commit needs another approval";
  return now >= gate.expiresAt ? "nobody approved in time" : undefined;
}

/** Whether people are asked for it, and may answer still. */
export const isAsked = ({ state, expiresAt }: Pick<Gate, "state" | "expiresAt">, now: number): boolean =>
  state === "asked" && now < expiresAt;

/** Why a gate is closed for good that a person said no to. */
export const turnedDown = (name: string): string => `turned down by ${name}`;

/**
 * Why another gate has to take this one's place for what is wished now; undefined: this one is it. What nobody approved in time, or a push
 * or a closed pull request ended, may be asked for anew, what somebody said no to may not. Whether an act that began has ended is found out
 * with the gate that it began with.
 */
export function whyAnew(gate: Gate, wish: Needs): string | undefined {
  if (gate.state === "done" || gate.begun !== undefined || gate.reason?.startsWith(turnedDown(""))) return undefined;
  if (gate.state === "closed") return gate.reason;
  return needs(gate) === needs(wish) ? undefined : "something else is needed for it by now, and people are asked anew";
}

const needs = ({ kinds, approvers, lenses, base }: Needs): string =>
  JSON.stringify([kinds, approvers ?? null, lenses, base ?? null]);

/** Acts of the gates of a deployment by this name: to the newest commit, and back to the one before. */
export const deployAct = (name: string): string => `deploy ${name}`;
export const backAct = (name: string): string => `back ${name}`;
export const isBack = ({ action }: Pick<Gate, "action">): boolean => action.startsWith(backAct(""));
/** What goes back from a deployment; undefined where the act is none. */
export const wayBack = ({ action }: Pick<Gate, "action">): string | undefined =>
  action.startsWith(deployAct("")) ? backAct(action.slice(deployAct("").length)) : undefined;
