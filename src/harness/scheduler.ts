import { type Chat, ChatError } from "./chat-port.ts";
import { backoff, type Clock } from "./clock.ts";
import type { AgentConfig } from "./config.ts";
import type { PostPayload } from "./intake.ts";
import type { Log } from "./log.ts";
import { type Due, newestDue, type Schedule } from "./schedule.ts";
import { receive } from "./store/inbox.ts";
import type { Store } from "./store/open.ts";

/** Where inbox rows of schedules come from. */
export const scheduleSource = "schedule";
/** How often the clock is looked at; a clock that was set, or a machine that slept, is noticed as soon. */
const lookEveryMs = 20_000;
/** What was handled later than this from now was handled by a wrong clock; a clock that was set back by less waits for the time to come again. */
const aheadMs = 24 * 3600_000;

interface SchedulerParts {
  readonly config: AgentConfig;
  readonly store: Store;
  readonly chat: Pick<Chat, "channelNamed">;
  readonly clock: Clock;
  readonly log: Log;
  /** New work is in the inbox. */
  readonly wake: () => void;
}

/** Puts what is due into the inbox, each time of a schedule once, also over crashes. Between two times nothing happens: no model is asked. */
export class Scheduler {
  readonly #parts: SchedulerParts;
  readonly #stop = new AbortController();

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
  }

  start(): void {
    const { config, clock } = this.#parts;
    if (config.schedules.length === 0) return;
    const look = async (): Promise<void> => {
      for (let failures = 0; ; ) {
        failures = (await this.look()) ? 0 : failures + 1;
        await clock.wait(failures === 0 ? lookEveryMs : backoff(failures, 1000, lookEveryMs), this.#stop.signal);
      }
    };
    look().catch(() => undefined);
  }

  stop(): void {
    this.#stop.abort(new Error("stopped"));
  }

  /** Takes in what is due by now; false where some of it could not be: the chat server is away, or the disk is full. It stays due. */
  async look(): Promise<boolean> {
    let all = true;
    for (const schedule of this.#parts.config.schedules) {
      try {
        await this.#lookAt(schedule);
      } catch (error) {
        this.#parts.log.warn({ schedule: schedule.name, error: String(error) }, "cannot begin it, will try again");
        all = false;
      }
    }
    return all;
  }

  /** What was handled last is in the store; a schedule that was never looked at begins to count now. */
  async #lookAt(schedule: Schedule): Promise<void> {
    const { config, store, clock, log } = this.#parts;
    const now = clock.now();
    const key = `schedule:${schedule.name}`;
    const after = store.meta(key);
    if (after === undefined) return store.setMeta(key, String(now));
    if (Number(after) > now + aheadMs) {
      // The clock was ahead once, at a first boot for one: nothing would be due until it is so late.
      log.warn({ schedule: schedule.name, handled: new Date(Number(after)).toISOString() }, "the clock was ahead");
      return store.setMeta(key, String(now));
    }
    const due = newestDue(schedule, config.quietHours, Number(after), now);
    if (due === undefined) return;
    if (!due.late) return this.#take(schedule, due, key);
    log.warn({ schedule: schedule.name, due: new Date(due.at).toISOString() }, "too late for what was scheduled");
    store.setMeta(key, String(due.at));
  }

  async #take(schedule: Schedule, due: Due, key: string): Promise<void> {
    const { store, chat, clock, log, wake } = this.#parts;
    let channelId: string;
    try {
      channelId = await chat.channelNamed(schedule.channel);
    } catch (error) {
      if (!(error instanceof ChatError) || error.kind !== "refused") throw error;
      log.error(
        { schedule: schedule.name, channel: schedule.channel, error: error.message },
        "no channel to report to",
      );
      return store.setMeta(key, String(due.at));
    }
    const id = `${schedule.name}@${new Date(due.at).toISOString()}`;
    const payload: PostPayload = {
      id,
      channelId,
      rootId: "",
      authorId: `schedule:${schedule.name}`,
      text: schedule.task,
      createdAt: due.at,
      direct: false,
      hops: 0,
    };
    store.transaction(() => {
      const lane = `${scheduleSource}:${schedule.name}`;
      const entry = { source: scheduleSource, sourceId: id, lane, kind: "schedule" as const, createdAt: due.at };
      receive(store, { ...entry, author: payload.authorId, payload }, clock.now());
      store.setMeta(key, String(due.at));
    });
    log.info({ schedule: schedule.name, due: new Date(due.at).toISOString() }, "a scheduled task is due");
    wake();
  }
}
