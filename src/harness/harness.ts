import { messageOf } from "../base/errors.ts";
import { tellHeads } from "./audit/heads.ts";
import { type Chat, ChatError, type ChatEvents } from "./chat-port.ts";
import { backoff } from "./clock.ts";
import type { Control } from "./commands.ts";
import { Feed } from "./feed.ts";
import type { ForgeDesk } from "./forge-work.ts";
import { closeOver } from "./gates/book.ts";
import { guardedChat } from "./guarded-chat.ts";
import { type HarnessState, harnessStops, healthOf, queuesOf } from "./harness-state.ts";
import { lastWord } from "./last-word.ts";
import type { ModelCaller } from "./model-port.ts";
import { pauseOf } from "./pause.ts";
import { ModelRouter } from "./router.ts";
import { type Carried, execute, type RunParts } from "./run.ts";
import { Scheduler } from "./scheduler.ts";
import { watchForSleep } from "./sleep.ts";
import { claimNext, finish, leaveOpen, type OpenRun, resumeOpen } from "./store/runs.ts";
import { cancelIn, type Place } from "./store/work.ts";

/** Tries of a run that has no answer in the outbox: some four minutes. */
const mostTries = 10;

export interface HarnessParts extends Omit<RunParts, "router" | "control"> {
  readonly models: ModelCaller;
  /** Of agents with repositories. */
  readonly desk?: ForgeDesk;
}

/** The core: takes mentions in, works on each lane's one after the other, delivers. Nothing here knows which chat or models. */
export class Harness implements Control {
  readonly #parts: RunParts;
  readonly #desk: ForgeDesk | undefined;
  readonly #feed: Feed;
  readonly #scheduler: Scheduler;
  readonly #stop = new AbortController();
  #watch: NodeJS.Timeout | undefined;
  readonly #open = new Map<string, { run: OpenRun; since: number; done: Promise<void>; stop: AbortController }>();
  #working = 0;
  #halting = 0;
  #draining = false;
  #chat: HarnessState["chat"] = "connecting";
  #reason: string | undefined;
  #connectedAt: number | undefined;

  readonly #events: ChatEvents = {
    connected: () => {
      this.#chat = "connected";
      this.#reason = undefined;
      this.#connectedAt = this.#parts.clock.now();
      this.#feed.connected();
    },
    disconnected: (reason) => {
      // With a token that is not taken there is no connection either: that is the consequence, not the cause.
      if (this.#chat === "unauthorised") return;
      this.#chat = "disconnected";
      this.#reason = reason;
    },
    posted: (post) => this.#feed.posted(post),
    reacted: (reaction) => this.#feed.reacted(reaction),
  };

  constructor(parts: HarnessParts) {
    const chat = guardedChat(parts.chat, parts.secrets ?? []);
    const runParts = { ...parts, chat, control: this, router: new ModelRouter(parts) };
    this.#desk = parts.desk;
    this.#parts = parts.desk === undefined ? runParts : { ...runParts, doers: parts.desk.doers(runParts) };
    this.#feed = new Feed({
      ...parts,
      chat,
      wake: () => this.wake(),
      unauthorised: (reason) => this.#connectAnew("unauthorised", reason),
    });
    this.#scheduler = new Scheduler({ ...parts, chat, wake: () => this.wake() });
  }

  /** Resumes what a former process left open and connects. Returns when the account is known; connecting goes on by itself. */
  async start(): Promise<void> {
    const { store, chat, config, clock, log } = this.#parts;
    for (const run of resumeOpen(store)) this.#begin(run);
    this.wake();
    this.#desk?.start(() => this.wake());
    const account = await this.#account(chat);
    if (account === undefined) return;
    const oldest = clock.now() - config.chat.maxAgeHours * 3600_000;
    this.#feed.start(Math.max(account.createdAt, oldest));
    if (this.#draining) return;
    this.#scheduler.start();
    tellHeads(this.#parts, this.#stop.signal);
    chat.open(this.#events);
    this.#watch = watchForSleep(clock, (ms) => {
      log.warn({ seconds: Math.round(ms / 1000) }, "the machine slept, or its clock was set: connecting anew");
      this.#connectAnew("connecting");
    });
  }

  /** Also for a token that was revoked: its connection stays and is told nothing, a new one says hello when the token counts again. */
  #connectAnew(state: HarnessState["chat"], reason?: string): void {
    const { chat } = this.#parts;
    if (this.#draining) return;
    chat.close();
    this.#chat = state;
    this.#reason = reason;
    chat.open(this.#events);
  }

  /** Takes no more work, lets what is under way end for at most the drain limit, then leaves it to the next process. */
  async stop(): Promise<void> {
    const { clock, config, chat, store, log } = this.#parts;
    if (this.#draining) return;
    this.#draining = true;
    this.#feed.stop();
    this.#scheduler.stop();
    clearInterval(this.#watch);
    chat.close();
    await this.#desk?.stop();
    const open = [...this.#open.values()];
    const over = Promise.all(open.map(({ done }) => done));
    if (open.length > 0 && this.#chat === "connected") {
      log.info({ runs: open.length }, "finishing what is under way");
      const limit = new AbortController();
      await Promise.race([over, clock.wait(config.limits.drain * 1000, limit.signal).catch(() => undefined)]);
      limit.abort();
    }
    this.#stop.abort(new Error(harnessStops));
    await over;
    try {
      leaveOpen(store, open);
    } catch (error) {
      log.warn({ error: String(error) }, "cannot store that runs were left in order: it counts as a crash of theirs");
    }
  }

  state(): HarnessState {
    const { store } = this.#parts;
    return {
      chat: this.#chat,
      reason: this.#reason,
      connectedAt: this.#connectedAt,
      caughtUpAt: this.#feed.caughtUpAt,
      ...queuesOf(store, this.#heldBack()),
      running: [...this.#open.values()].map(({ run: { id, lane, kind }, since }) => ({ id, lane, kind, since })),
      draining: this.#draining,
      paused: pauseOf(store),
      failing: this.#parts.router.failing(),
    };
  }

  async halt(place: Place, until: number, outcome: string, tell?: () => void): Promise<number> {
    const { store, clock, log } = this.#parts;
    const { runs, waiting } = store.transaction(() => {
      const ended = cancelIn(store, place, until, outcome, clock.now());
      tell?.();
      return ended;
    });
    const stopped = runs.flatMap((id) => this.#open.get(id) ?? []);
    for (const { stop } of stopped) stop.abort(new Error(outcome));
    log.info({ runs, waiting, outcome }, "work was stopped");
    // What is being posted just now cannot be called back: it comes before the word that all is stopped, unless the server takes long.
    this.#halting++;
    await Promise.race([Promise.all(stopped.map(({ done }) => done)), clock.wait(2000)]).finally(() => this.#halting--);
    return runs.length + waiting;
  }

  health(): string {
    return healthOf(this.state(), this.#parts.workshop?.state().state ?? "none", this.#desk?.troubles() ?? []);
  }

  /** Our account, once the server tells; undefined when stopped before. A token of another account is as bad as none. */
  async #account(chat: Chat) {
    const { config, clock, log } = this.#parts;
    for (let attempt = 0; !this.#stop.signal.aborted; attempt++) {
      try {
        const account = await chat.account();
        if (account.id === config.chat.botId) return account;
        this.#chat = "unauthorised";
        this.#reason = `the token belongs to ${account.name}, not to the bot that the configuration names`;
      } catch (error) {
        if (!(error instanceof ChatError)) throw error;
        this.#chat = error.kind === "retry" || error.kind === "unclear" ? "connecting" : "unauthorised";
        this.#reason = error.message;
      }
      log.warn({ reason: this.#reason }, "no access to the chat server yet");
      await clock.wait(backoff(attempt, 200, 15_000), this.#stop.signal).catch(() => undefined);
    }
    return undefined;
  }

  /** Takes up what waits, as far as it may. */
  wake(): void {
    const { store, clock, config, log } = this.#parts;
    try {
      closeOver(store, clock.now());
      while (!this.#draining && this.#halting === 0) {
        const full = this.#working >= config.limits.runs || pauseOf(store) !== undefined;
        const run = claimNext(store, clock.now(), full ? "command" : undefined, this.#heldBack());
        if (run === undefined) return;
        this.#begin(run);
      }
    } catch (error) {
      // A full disk, say. What waits is in the inbox and stays there.
      log.error({ error: String(error) }, "cannot claim work, will try again");
      clock.wait(1000, this.#stop.signal).then(
        () => this.wake(),
        () => undefined,
      );
    }
  }

  /** The kind that is not begun for lack of room. */
  #heldBack(): "issue" | undefined {
    return this.#desk?.obstacle === undefined ? undefined : "issue";
  }

  #begin(run: OpenRun): void {
    const { clock, log } = this.#parts;
    const since = clock.now();
    log.info({ run: run.id, kind: run.kind, post: run.sourceId, by: run.author, starts: run.starts }, "a run begins");
    // Commands take no slot: they are for the time when all are taken.
    let working = run.kind !== "command";
    if (working) this.#working++;
    const free = () => {
      if (!working) return;
      working = false;
      this.#working--;
      // Not at once: whoever frees a slot may be in the middle of its own work.
      queueMicrotask(() => this.wake());
    };
    const stop = new AbortController();
    const done = this.#carry(run, free, AbortSignal.any([this.#stop.signal, stop.signal])).finally(() => {
      log.info({ run: run.id, post: run.sourceId, ms: clock.now() - since }, "the run is over");
      this.#open.delete(run.id);
      free();
      this.wake();
    });
    this.#open.set(run.id, { run, since, done, stop });
  }

  /**
   * Until the run ends or the harness stops. What fails outside of a provider's or the server's doing (a full disk) is tried again:
   * without bound once the answer is in the outbox, else a few times, then the thread is told what failed.
   */
  async #carry(run: OpenRun, free: () => void, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    const carried: Carried = {};
    let current = run;
    const answered = () => {
      current = { ...run, state: "delivering" };
      free();
    };
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        // An outbox that told of a failure may have the answer nevertheless. What took it need not be asked: reading may fail too.
        if (attempt > 0 && current.state === "running") current = this.#reread(run);
        return await execute(this.#parts, current, carried, signal, answered);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ChatError && error.kind === "refused") {
          log.warn({ run: run.id, error: error.message }, "the mention cannot be answered any more");
          return this.#end(run, error.message);
        }
        log.error({ run: run.id, error: String(error) }, "a run failed, will try again");
        const unclear = error instanceof ChatError && error.kind === "unclear";
        if (current.state === "running" && (unclear || attempt + 1 >= mostTries)) {
          free();
          try {
            const told = await lastWord(this.#parts, run, messageOf(error), signal);
            if (told === "said") return this.#end(run, `failed: ${messageOf(error)}`);
            answered();
            continue;
          } catch (failed) {
            if (signal.aborted) return;
            log.error({ run: run.id, error: String(failed) }, "cannot tell that a run failed, will try again");
          }
        }
        await clock.wait(backoff(attempt, 1000, 60_000), signal).catch(() => undefined);
      }
    }
  }

  /** Ends a run without more to say, as soon as the store takes it. */
  async #end(run: OpenRun, outcome: string): Promise<void> {
    const { store, clock, log } = this.#parts;
    for (let attempt = 0; !this.#stop.signal.aborted; attempt++) {
      try {
        return finish(store, run, "failed", outcome, clock.now());
      } catch (error) {
        log.error({ run: run.id, error: String(error) }, "cannot store that a run ended, will try again");
        await clock.wait(backoff(attempt, 1000, 60_000), this.#stop.signal).catch(() => undefined);
      }
    }
  }

  /** The run as the store has it now: it may have come as far as delivery before it failed. */
  #reread(run: OpenRun): OpenRun {
    const row = this.#parts.store.get<{ state: OpenRun["state"] }>("SELECT state FROM runs WHERE id = ?", run.id);
    return { ...run, state: row?.state ?? run.state };
  }
}
