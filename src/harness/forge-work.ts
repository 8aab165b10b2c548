import type { Secret } from "../base/secret.ts";
import type { Answer } from "./ask.ts";
import type { ForgeComment, ForgeIssue, ForgePull, ForgeReview, IssueEvent, ReviewComment } from "./forge-port.ts";
import type { PostPayload } from "./intake.ts";
import type { RunParts } from "./run.ts";
import type { OpenRun } from "./store/runs.ts";
import type { Tool } from "./tools/tool.ts";

// Where what happens on the forge becomes runs: the poller hands changes to takers, takers put entries into the inbox, and runs of these
// kinds are carried by doers. Issues and their follow-up are src/harness/tasks', reviews and gates have folders of their own.

/** Where inbox rows of the forge come from. */
export const forgeSource = "github";

/** `issue`: do what it asks for. `rework`: answer what was said about the pull request. `review`: look at one. `gate`: a privileged act. */
export const forgeKinds = ["issue", "rework", "review", "gate"] as const;
export type ForgeKind = (typeof forgeKinds)[number];

/**
 * What the inbox keeps of what is to be done on the forge: a post that nobody wrote (`id` is the entry's, `text` a title, `channelId` empty
 * where no thread is known), and which issue or pull request it is about. All else is read again when it is done.
 */
export interface ForgePayload extends PostPayload {
  readonly repo: string;
  readonly number: number;
}

/** Something changed. What no taker wanted is empty. */
export interface ForgeChange {
  readonly repo: string;
  readonly issue: ForgeIssue;
  readonly events: readonly IssueEvent[];
  readonly comments: readonly ForgeComment[];
  readonly pull?: ForgePull;
  readonly reviews?: readonly ForgeReview[];
  readonly reviewComments?: readonly ReviewComment[];
}

/** What of an issue or pull request a taker has to see to decide; each costs a request when it changed. `pull`: itself, reviews and their comments. */
export interface Wants {
  readonly events?: boolean;
  readonly comments?: boolean;
  readonly pull?: boolean;
}

/** Turns changes into inbox entries. */
export interface Taker {
  wants(repo: string, issue: ForgeIssue): Wants;
  /**
   * Decides what a change leads to and puts it into the inbox (`receive`, source `forgeSource`, lane `laneOf`), by ids that are the forge's
   * own: the same change leads to the same entries however often it is seen. Synchronous: it runs in the transaction that moves the cursor.
   */
  take(change: ForgeChange, now: number): void;
  /** Takes in, after each look at a repository, for what it is time there though nothing changed. Synchronous. */
  looked?(repo: string, now: number): void;
}

/**
 * Carries a run of a kind to its end, from wherever a former process left it; what it gives is said in the run's thread, where there is
 * one and its text is not empty; outcomes that begin with `done` are good ones. Throws only the signal's reason, or what is to be tried again.
 */
export type Doer = (run: OpenRun, payload: ForgePayload, signal: AbortSignal) => Promise<Answer>;

/** What an agent with repositories does, by kind. */
export type Doers = Readonly<Partial<Record<ForgeKind, Doer>>>;

/** An agent's place on the forge, as its harness sees it. */
export interface ForgeDesk {
  /** What runs do there. */
  doers(parts: RunParts): Doers;
  /** What a conversation may do there. */
  chatTools(run: string, post: PostPayload, secrets: readonly Secret[]): Tool[];
  /** Why no issue is begun just now: there is too little of something. Undefined when there is room. */
  readonly obstacle: string | undefined;
  /** What keeps it from seeing the forge; empty when all is well. */
  troubles(): string[];
  /** Begins to look; `wake` is called whenever there may be work. Returns at once. */
  start(wake: () => void): void;
  stop(): Promise<void>;
}

export function isForgeKind(kind: string): kind is ForgeKind {
  return forgeKinds.some((one) => one === kind);
}

/** One thing at a time for an issue, and for each pull request. */
export const laneOf = (repo: string, number: number): string => `${forgeSource}:${repo.toLowerCase()}#${number}`;
