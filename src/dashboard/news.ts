import { newestRuns, settledUpTo, stepsAfter, writes } from "../harness/store/look-news.ts";
import type { Look } from "./look.ts";

/** What streams tell. `step`, `run`, `state` and `log` each with what they are named after; `gap`: more was missed than is told again. */
export const newsKinds = ["step", "run", "state", "log", "gap"] as const;
export type NewsKind = (typeof newsKinds)[number];

/** `id`: up to which step of the journal whoever got this, and all that came before it, has missed nothing. */
export interface News {
  readonly id: number;
  readonly kind: NewsKind;
  readonly data: object;
}

/** Where streams get their news: what came after `since` (an id), then whatever happens, until the result is called. What is told together came together. */
export interface Desk {
  listen(since: number | undefined, tell: (news: readonly News[]) => void): () => void;
}

const everyMs = 250;
/** Steps that are told again to whoever comes back; past it there is a gap. */
const mostMissed = 500;
const newest = 20;

/**
 * Looks for what is new while anybody listens, once for all of them, and only where something was written. Read from the journal on the
 * disk: what happened while nobody listened, or before a restart, is there too.
 */
export class NewsDesk implements Desk {
  readonly #look: Look;
  readonly #listeners = new Set<(news: readonly News[]) => void>();
  #timer: NodeJS.Timeout | undefined;
  #writes = -1;
  #settled = 0;
  #logSeq = 0;
  #state = "";
  /** What was told of steps and runs that may still change, as JSON. */
  #told = new Map<string, string>();

  constructor(look: Look) {
    this.#look = look;
  }

  /** Tells what came after `since` (an id), then whatever happens, until the result is called. */
  listen(since: number | undefined, tell: (news: readonly News[]) => void): () => void {
    if (this.#listeners.size === 0) this.#begin();
    const missed = this.#missed(since);
    if (missed.length > 0) tell(missed);
    this.#listeners.add(tell);
    this.#timer ??= setInterval(() => this.#ask(), everyMs).unref();
    return () => {
      this.#listeners.delete(tell);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  /** What is there now is known: only what comes after it is news. */
  #begin(): void {
    this.#told = new Map();
    this.#writes = -1;
    this.#fresh();
    this.#logSeq = this.#look.logSeq();
  }

  #ask(): void {
    const fresh = this.#fresh();
    if (fresh.length > 0) for (const tell of [...this.#listeners]) tell(fresh);
  }

  #fresh(): News[] {
    const { store } = this.#look;
    const lines = this.#look.logSeq();
    const logged: News[] = lines === this.#logSeq ? [] : [{ id: this.#settled, kind: "log", data: { seq: lines } }];
    this.#logSeq = lines;
    const written = writes(store);
    if (written === this.#writes) return [...logged, ...this.#stateNews()];
    this.#writes = written;
    const steps = stepsAfter(store, this.#settled, mostMissed);
    const runs = newestRuns(store, newest);
    this.#settled = Math.max(this.#settled, settledUpTo(store));
    const changed = [
      ...steps.map((step) => ({ kind: "step" as const, at: step.id, key: `step ${step.id}`, data: step as object })),
      ...runs.map((run) => ({ kind: "run" as const, at: Infinity, key: `run ${run.id}`, data: run as object })),
    ];
    const now = new Map(changed.map(({ key, data }) => [key, JSON.stringify(data)]));
    const fresh = changed.filter(({ key }) => this.#told.get(key) !== now.get(key));
    this.#told = now;
    const news = fresh.map(
      ({ kind, at, data }): News => ({ id: Math.min(at, this.#settled), kind, data: this.#look.masked(data) }),
    );
    return [...logged, ...news, ...this.#stateNews()];
  }

  /** Connections and queue. They change without a word in the journal too. */
  #stateNews(): News[] {
    const { harness, tools, forge } = this.#look.status();
    const { running, ...data } = { ...harness, tools: tools.state, forge, now: undefined };
    const state = JSON.stringify(data);
    if (state === this.#state) return [];
    const first = this.#state === "";
    this.#state = state;
    return first ? [] : [{ id: this.#settled, kind: "state", data: { ...data, running: running.length } }];
  }

  #missed(since: number | undefined): News[] {
    const { store } = this.#look;
    const id = settledUpTo(store);
    // A number from before a database that was lost is higher than any here.
    if (since === undefined || since > id) return since === undefined ? [] : [{ id, kind: "gap", data: {} }];
    const steps = stepsAfter(store, since, mostMissed + 1);
    if (steps.length > mostMissed) return [{ id, kind: "gap", data: {} }];
    return [
      ...steps.map((step): News => ({ id: Math.min(step.id, id), kind: "step", data: this.#look.masked(step) })),
      ...newestRuns(store, newest).map((run): News => ({ id, kind: "run", data: this.#look.masked(run) })),
    ];
  }
}
