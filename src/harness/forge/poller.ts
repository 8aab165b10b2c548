import { messageOf } from "../../base/errors.ts";
import { backoff, type Clock } from "../clock.ts";
import type { ForgeConfig, RepositoryConfig } from "../config.ts";
import { ForgeError, type ForgeIssue, type ForgeReader } from "../forge-port.ts";
import { type ForgeChange, forgeSource, type Taker } from "../forge-work.ts";
import type { Log } from "../log.ts";
import { advanceCursor, cursorOf } from "../store/cursors.ts";
import type { Store } from "../store/open.ts";

export interface PollerParts {
  readonly config: ForgeConfig;
  readonly forge: ForgeReader;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly takers: readonly Taker[];
  /** A look is over: there may be new work. */
  readonly wake: () => void;
}

/** The forge's lists may show a change later than one that came after it: the last minute is read again. */
const overlap = 60_000;
/** When a repository is looked at for the first time: how far back. What is open and has the label is found whatever its age. */
const firstLook = 24 * 3600_000;
/** The forge's times are whole seconds, and a list shows no second change within one: what just changed is looked into again for so long, ms. */
const unsettled = 3000;
/** A wrong token or a missing repository is looked for again after so long, ms. */
const hopeless = 5 * 60_000;

/** Looks at the repositories in turn, each every few seconds and whenever there was a hint. What it finds it finds also after any downtime. */
export class Poller {
  readonly #parts: PollerParts;
  readonly #stop = new AbortController();
  readonly #hints = new Map<string, () => void>();
  /** Why a repository could not be looked at. */
  readonly #troubles = new Map<string, string>();
  /** Changes that were taken in, by repository and number: those within the overlap are not looked into again. */
  readonly #taken = new Map<string, number>();
  /** Repositories whose last look came to its end: what the forge told in one that did not is asked for again, changed or not. */
  readonly #whole = new Set<string>();
  /** What changed just now, since when we know, and as what it was taken in. */
  readonly #recent = new Map<string, { repo: string; number: number; since: number; taken: string }>();
  #loops: Promise<unknown> = Promise.resolve();

  constructor(parts: PollerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#loops = Promise.all(this.#parts.config.repositories.map((repository) => this.#loop(repository)));
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("stopped"));
    await this.#loops;
  }

  /** Something happened in a repository, it is said. */
  hint(repo: string): void {
    this.#hints.get(repo.toLowerCase())?.();
  }

  /** What keeps it from seeing, by repository; empty when all is well. */
  troubles(): string[] {
    return [...this.#troubles].map(([repo, why]) => `${repo}: ${why}`);
  }

  async #loop(repository: RepositoryConfig): Promise<void> {
    const { clock, log, config, takers, wake } = this.#parts;
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; ) {
      // Armed before the look: a hint that comes during it leads to one more.
      const hinted = Promise.withResolvers<void>();
      this.#hints.set(repository.name.toLowerCase(), hinted.resolve);
      let pause = config.every * 1000 * (0.8 + 0.4 * Math.random());
      try {
        await this.look(repository);
        for (const taker of takers) taker.looked?.(repository.name, clock.now());
        this.#troubles.delete(repository.name);
        failures = 0;
        wake();
      } catch (error) {
        if (signal.aborted) return;
        this.#troubles.set(repository.name, messageOf(error));
        log.warn({ repository: repository.name, error: messageOf(error) }, "cannot look at it, will try again");
        const kind = error instanceof ForgeError ? error.kind : "retry";
        const asked = error instanceof ForgeError ? error.retryAfterMs : undefined;
        pause = asked ?? (kind === "retry" ? backoff(failures++, 1000, 60_000) : hopeless);
      }
      const over = new AbortController();
      await Promise.race([
        clock.wait(pause, AbortSignal.any([signal, over.signal])).catch(() => undefined),
        hinted.promise,
      ]);
      over.abort();
    }
  }

  /** Takes in what changed in a repository since the last look. */
  async look({ name, label }: Pick<RepositoryConfig, "name" | "label">): Promise<void> {
    const { forge, store, clock } = this.#parts;
    let cursor = cursorOf(store, forgeSource, name);
    if (cursor === undefined) {
      cursor = clock.now() - firstLook;
      for (const issue of await forge.issuesLabelled(name, label)) await unlessGone(this.#take(name, issue, cursor));
      store.transaction(() => advanceCursor(store, forgeSource, name, cursor!));
    }
    // To the minute: the question must stay the same for its ETag to hold.
    const since = Math.floor((cursor - overlap) / 60_000) * 60_000;
    const whole = this.#whole.delete(name);
    const issues = await forge.changed(name, since, !whole);
    await this.#lookAgain(name);
    for (const issue of issues ?? []) await unlessGone(this.#take(name, issue, issue.updatedAt));
    this.#whole.add(name);
    if (issues === undefined) return;
    const newest = issues.at(-1)?.updatedAt ?? 0;
    for (const [key, at] of this.#taken)
      if (key.startsWith(`${name}#`) && at < newest - 2 * overlap) this.#taken.delete(key);
  }

  async #take(repo: string, issue: ForgeIssue, readTo: number): Promise<void> {
    const key = `${repo}#${issue.number}`;
    if (this.#taken.get(key) === issue.updatedAt) return;
    const since = performance.now();
    const taken = await this.#hand(repo, issue, { readTo });
    this.#taken.set(key, issue.updatedAt);
    this.#recent.set(key, { repo, number: issue.number, since, taken });
  }

  /** Lets the takers have it, unless it is what they had `before`, and moves the cursor to `readTo`. Gives what they have now. */
  async #hand(
    repo: string,
    issue: ForgeIssue,
    { readTo, before }: { readonly readTo?: number; readonly before?: string },
  ): Promise<string> {
    const { store, clock, takers } = this.#parts;
    const change = await this.#change(repo, issue);
    const now = JSON.stringify(change);
    if (now === before) return now;
    store.transaction(() => {
      for (const taker of takers) taker.take(change, clock.now());
      if (readTo !== undefined) advanceCursor(store, forgeSource, repo, readTo);
    });
    return now;
  }

  /** Costs nothing where nothing changed: all of it is asked for by ETag. */
  async #lookAgain(name: string): Promise<void> {
    const { forge } = this.#parts;
    for (const [key, recent] of this.#recent) {
      const { repo, number, since, taken: before } = recent;
      if (repo !== name) continue;
      const settled = performance.now() - since > unsettled;
      // The cursor stays: of what the list holds, older changes may not be taken yet.
      const taken = await unlessGone(forge.issue(repo, number).then((issue) => this.#hand(repo, issue, { before })));
      if (taken !== undefined) recent.taken = taken;
      if (settled || taken === undefined) this.#recent.delete(key);
    }
  }

  /** With what the takers want to see of it. */
  async #change(repo: string, issue: ForgeIssue): Promise<ForgeChange> {
    const { forge, takers } = this.#parts;
    const wants = takers.map((taker) => taker.wants(repo, issue));
    const any = (part: "events" | "comments" | "pull"): boolean => wants.some((want) => want[part] === true);
    const { number } = issue;
    const pull = issue.isPull && any("pull");
    const [events, comments, details] = await Promise.all([
      any("events") ? forge.events(repo, number) : [],
      any("comments") ? forge.comments(repo, number) : [],
      pull
        ? Promise.all([forge.pull(repo, number), forge.reviews(repo, number), forge.reviewComments(repo, number)])
        : undefined,
    ]);
    const [found, reviews, reviewComments] = details ?? [];
    return {
      repo,
      issue,
      events,
      comments,
      ...(found && { pull: found }),
      ...(reviews && { reviews }),
      ...(reviewComments && { reviewComments }),
    };
  }
}

/** Undefined for what was deleted meanwhile: there is nothing to take in of it, and it keeps nothing else from being seen. */
async function unlessGone<T>(looked: Promise<T>): Promise<T | undefined> {
  try {
    return await looked;
  } catch (error) {
    if (error instanceof ForgeError && error.kind === "missing") return undefined;
    throw error;
  }
}
