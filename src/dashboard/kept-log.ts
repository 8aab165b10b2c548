import { maskSecrets, type Secret } from "../base/secret.ts";
import type { Log, LogLevel } from "../harness/log.ts";

/** One line of the log as the dashboard shows it. */
export interface LogLine {
  /** Counts up from the start of the process. */
  readonly seq: number;
  readonly at: number;
  readonly level: LogLevel;
  readonly message: string;
  /** The other fields, as JSON; empty when there are none. */
  readonly fields: string;
}

const mostLines = 500;
const mostCharacters = 2000;

export const logLevels = ["debug", "info", "warn", "error"] as const satisfies readonly LogLevel[];

/** Passes everything on and keeps the newest lines for the dashboard; whole, the log is in the machine's journal. */
export class KeptLog implements Log {
  readonly #to: Log;
  readonly #secrets: readonly Secret[];
  readonly #now: () => number;
  readonly #lines: LogLine[] = [];
  #seq = 0;

  /** `secrets`, also those that are added later, are taken out of what is cut: a part of one would not be known any more. */
  constructor(to: Log, secrets: readonly Secret[], now: () => number = Date.now) {
    this.#to = to;
    this.#secrets = secrets;
    this.#now = now;
  }

  debug(fields: object, message: string): void {
    // Not kept: there are many, and the process drops them unless it was asked for them.
    this.#to.debug(fields, message);
  }

  info(fields: object, message: string): void {
    this.#keep("info", fields, message);
    this.#to.info(fields, message);
  }

  warn(fields: object, message: string): void {
    this.#keep("warn", fields, message);
    this.#to.warn(fields, message);
  }

  error(fields: object, message: string): void {
    this.#keep("error", fields, message);
    this.#to.error(fields, message);
  }

  /** Number of the newest line. */
  get seq(): number {
    return this.#seq;
  }

  /** The newest lines from a level on that hold a text, oldest first. */
  lines(level: LogLevel, text: string, count: number): LogLine[] {
    const wanted = text.toLowerCase();
    return this.#lines
      .filter((line) => logLevels.indexOf(line.level) >= logLevels.indexOf(level))
      .filter(({ message, fields }) => `${message} ${fields}`.toLowerCase().includes(wanted))
      .slice(-count);
  }

  #keep(level: LogLevel, fields: object, message: string): void {
    const told = JSON.stringify(fields);
    this.#lines.push({
      seq: ++this.#seq,
      at: this.#now(),
      level,
      message: this.#cut(message),
      fields: told === "{}" ? "" : this.#cut(told),
    });
    if (this.#lines.length > mostLines) this.#lines.shift();
  }

  #cut(text: string): string {
    return text.length <= mostCharacters ? text : maskSecrets(text, this.#secrets).slice(0, mostCharacters);
  }
}
