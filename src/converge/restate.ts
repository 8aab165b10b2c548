import { OlympusError } from "../base/errors.ts";

/** The same error in other words, at another place if given. */
export function restate(error: OlympusError, message: string, where = error.where): OlympusError {
  return new OlympusError(message, {
    code: error.code,
    exit: error.exit,
    ...(where === undefined ? {} : { where }),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.excerpt === undefined ? {} : { excerpt: error.excerpt }),
    ...(error.cause === undefined ? {} : { cause: error.cause }),
  });
}
