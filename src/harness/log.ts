/** What the harness logs with. Texts of posts and secrets never go in. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Says nothing. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const levels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof levels)[number];

/**
 * One JSON object a line, from `level` on: time, level, the fields, the message. Written synchronously, so that the last words of a
 * dying process are there; the journal takes care of the rest.
 */
export function jsonLog(level: LogLevel, write: (line: string) => void, now: () => number = Date.now): Log {
  const at = (one: LogLevel) => (fields: object, message: string) => {
    if (levels.indexOf(one) < levels.indexOf(level)) return;
    write(`${JSON.stringify({ time: new Date(now()).toISOString(), level: one, ...fields, message })}\n`);
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
