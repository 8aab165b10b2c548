import { forgeSource } from "../forge-work.ts";
import type { Store } from "../store/open.ts";

export type WorkState = "claimed" | "pushed" | "opened" | "merged" | "closed" | "released" | "human";

/** An issue that this agent claimed. */
export interface WorkRow {
  readonly repo: string;
  readonly number: number;
  readonly state: WorkState;
  readonly branch: string;
  /** The commit that the work began at. */
  readonly base: string;
  /** What was pushed last. */
  readonly head: string | null;
  readonly pull: number | null;
  readonly run: string;
  /** The comment that tells of the claim. */
  readonly comment: number | null;
  readonly lease_until: number;
  /** Rounds of review comments that were answered. */
  readonly rounds: number;
  /** Reviews and comments that were answered: what `heardBy` reads. By name, not by time: two may come within a second of the forge's. */
  readonly heard: string;
  readonly channel: string | null;
  readonly root: string | null;
  readonly chain: string;
  readonly hops: number;
  readonly updated_at: number;
}

const key = (repo: string): string => repo.toLowerCase();

export function workOf(store: Store, repo: string, number: number): WorkRow | undefined {
  return store.get<WorkRow & object>("SELECT * FROM work WHERE repo = ? AND number = ?", key(repo), number);
}

export function workOfPull(store: Store, repo: string, pull: number): WorkRow | undefined {
  return store.get<WorkRow & object>("SELECT * FROM work WHERE repo = ? AND pull = ?", key(repo), pull);
}

/** Issues that are claimed, but that no run is on any more: it was stopped, or came to no pull request. */
export function leftWork(store: Store): WorkRow[] {
  return store.all<WorkRow & object>(
    `SELECT work.* FROM work LEFT JOIN lanes ON lanes.key = '${forgeSource}:' || repo || '#' || number
     WHERE state IN ('claimed', 'pushed', 'human') AND comment IS NOT NULL AND pull IS NULL AND lanes.run IS NULL`,
  );
}

/** Names of the reviews (`review-7`), comments on lines (`line-7`) and comments (`comment-7`) that were answered. */
export function heardBy(work: Pick<WorkRow, "heard">): Set<string> {
  return new Set(JSON.parse(work.heard) as string[]);
}

type NewWork = Pick<
  WorkRow,
  "repo" | "number" | "branch" | "base" | "run" | "lease_until" | "channel" | "root" | "chain" | "hops"
>;

/** Notes that an issue is about to be claimed, before the forge is asked: after a crash we know to look. */
export function beginWork(store: Store, work: NewWork, now: number): void {
  const { repo, number, branch, base, run, lease_until, channel, root, chain, hops } = work;
  store.run(
    `INSERT OR REPLACE INTO work (repo, number, state, branch, base, run, lease_until, channel, root, chain, hops, updated_at)
     VALUES (?, ?, 'claimed', ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    key(repo),
    number,
    branch,
    base,
    run,
    lease_until,
    channel,
    root,
    chain,
    hops,
    now,
  );
}

type Change = Partial<
  Pick<WorkRow, "state" | "base" | "head" | "pull" | "run" | "comment" | "lease_until" | "rounds" | "heard">
>;

export function changeWork(store: Store, repo: string, number: number, change: Change, now: number): void {
  const fields = Object.keys(change) as (keyof Change)[];
  store.run(
    `UPDATE work SET ${fields.map((field) => `${field} = ?`).join(", ")}, updated_at = ? WHERE repo = ? AND number = ?`,
    ...fields.map((field) => change[field] ?? null),
    now,
    key(repo),
    number,
  );
}

export function dropWork(store: Store, repo: string, number: number): void {
  store.run("DELETE FROM work WHERE repo = ? AND number = ?", key(repo), number);
}

const pushedKey = (run: string): string => `pushed:${run}`;

/** Notes the commit that a run is about to push: after a kill it is found on the forge, or it is not. */
export function notePush(store: Store, run: string, commit: string): void {
  store.setMeta(pushedKey(run), commit);
}

/** Whether a run of this agent pushed a commit, or was about to. */
export function wasPushed(store: Store, commit: string): boolean {
  return store.get("SELECT 1 FROM meta WHERE key GLOB ? AND value = ?", pushedKey("*"), commit) !== undefined;
}

/** The commit that a run pushed, or was about to push, last. */
export function pushOf(store: Store, run: string): string | undefined {
  return store.meta(pushedKey(run));
}

/** A newer base that a run's workspace was put onto. */
export interface Stand {
  /** What the workspace holds: the work so far, on that base. */
  readonly commit: string;
  readonly base: string;
  /** false: a process was killed while it did that. */
  readonly done: boolean;
}

const standKey = (run: string): string => `stand:${run}`;

export function noteStand(store: Store, run: string, stand: Stand): void {
  store.setMeta(standKey(run), JSON.stringify(stand));
}

export function standOf(store: Store, run: string): Stand | undefined {
  const noted = store.meta(standKey(run));
  return noted === undefined ? undefined : (JSON.parse(noted) as Stand);
}

/** What a run answers, as it was known when the run first began: `now` the first time, and the same after every kill. */
export function heardAtStart(store: Store, run: string, now: string): string {
  const key = `heard:${run}`;
  const first = store.meta(key);
  if (first === undefined) store.setMeta(key, now);
  return first ?? now;
}
