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
  /** The account that wrote the change: it never approves its own. */
  readonly author: string;
  readonly state: GateState;
  /** Lenses that have to pass first, and those of them that a person overruled. */
  readonly lenses: readonly string[];
  readonly overruled: readonly string[];
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

export type GateWish = Pick<
  Gate,
  "action" | "kinds" | "approvers" | "run" | "repo" | "number" | "commit" | "author" | "lenses" | "place" | "question"
>;

/** A gate's name: the first 40 bits of a hash of what it is bound to, for people to type. */
export function gateId({
  action,
  repo,
  number,
  commit,
  run,
}: Pick<GateWish, "action" | "repo" | "number" | "commit" | "run">): string {
  // A change has one gate a commit, whichever run wants it; an act without a commit is bound to the run that asked.
  const bound = commit === "" ? [action, run] : [action, repo.toLowerCase(), String(number), commit];
  return createHash("sha256").update(bound.join("\n")).digest("hex").slice(0, 10);
}

export function newGate(wish: GateWish, now: number, expireHours: number): Gate {
  return {
    ...wish,
    id: gateId(wish),
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
export function whyNot(gate: Gate, { person, automatic, commit }: Approval, now: number): string | undefined {
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

/** Acts of the gates of a deployment by this name: to the newest commit, and back to the one before. */
export const deployAct = (name: string): string => `deploy ${name}`;
export const backAct = (name: string): string => `back ${name}`;
export const isBack = ({ action }: Pick<Gate, "action">): boolean => action.startsWith(backAct(""));
/** What goes back from a deployment; undefined where the act is none. */
export const wayBack = ({ action }: Pick<Gate, "action">): string | undefined =>
  action.startsWith(deployAct("")) ? backAct(action.slice(deployAct("").length)) : undefined;
