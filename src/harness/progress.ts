import { messageOf } from "../base/errors.ts";
import type { Chat, ChatPost } from "./chat-port.ts";
import type { Clock } from "./clock.ts";
import type { PostPayload } from "./intake.ts";
import type { Log } from "./log.ts";
import { progressPart } from "./progress-part.ts";
import type { OpenRun } from "./store/runs.ts";

/** Shortest time between two changes of the post, ms. */
const betweenMs = 1000;

interface ProgressParts {
  readonly chat: Chat;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * One post in the thread that tells what a long run does, written at its first step and edited afterwards, at most once a second. A
 * nicety: what the server does not take is left. `thread` may hold the post of a former process, which is gone on with.
 */
export class Progress {
  readonly #parts: ProgressParts;
  readonly #post: PostPayload;
  readonly #run: string;
  readonly #began: number;
  #id: string | undefined;
  #steps = 0;
  #wanted: string | undefined;
  #writing: Promise<void> | undefined;
  #over = false;

  constructor(parts: ProgressParts, run: OpenRun, post: PostPayload, thread: readonly ChatPost[]) {
    this.#parts = parts;
    this.#post = post;
    this.#run = run.id;
    this.#began = parts.clock.now();
    this.#id = thread.find(({ marker }) => marker?.run === run.id && marker.part === progressPart)?.id;
  }

  /** A step was done. */
  step(what: string): void {
    if (this.#over) return;
    this.#steps++;
    this.#show(`_Working: ${this.#far()}._ \`${what.replace(/[`\s]+/g, " ").slice(0, 80)}\``);
  }

  /** The run is over: the post, where there is one, says so once the server takes it. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#steps > 0 || this.#id !== undefined) this.#show(`_Worked: ${this.#far()}._`);
  }

  /** Settles when nothing is being written. */
  async written(): Promise<void> {
    await this.#writing;
  }

  #far(): string {
    const seconds = Math.round((this.#parts.clock.now() - this.#began) / 1000);
    const time = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
    return `${this.#steps} ${this.#steps === 1 ? "step" : "steps"}, ${time}`;
  }

  #show(text: string): void {
    this.#wanted = text;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    const { chat, clock, log } = this.#parts;
    while (this.#wanted !== undefined) {
      const text = this.#wanted;
      this.#wanted = undefined;
      try {
        if (this.#id === undefined) this.#id = await chat.post(this.#first(text));
        else await chat.edit(this.#id, text);
      } catch (error) {
        log.debug({ run: this.#run, error: messageOf(error) }, "progress could not be shown");
      }
      await clock.wait(betweenMs);
    }
  }

  #first(text: string) {
    const { channelId, rootId, id, hops } = this.#post;
    return { channelId, rootId, text, marker: { run: this.#run, part: progressPart, source: id, hops: hops + 1 } };
  }
}
