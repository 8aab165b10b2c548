import { exitCodes, OlympusError } from "../base/errors.ts";
import { knownWords } from "./nearest.ts";

/**
 * `unknown machine "athen"` (E-UNKNOWN, exit 1), with the known names and the nearest of them; `where` is the file that has them.
 * `aside` comes first in the hint, when more is known of the name: "athena is a machine on r420."
 */
export function unknownWord(
  what: string,
  name: string,
  known: readonly string[],
  { where, aside }: { where?: string; aside?: string } = {},
): OlympusError {
  return new OlympusError(`unknown ${what} "${name}"`, {
    code: "E-UNKNOWN",
    exit: exitCodes.usage,
    hint: [aside, knownWords(name, known)].filter(Boolean).join("\n"),
    ...(where === undefined ? {} : { where }),
  });
}

/** Throws E-UNKNOWN unless `name` is known. */
export function mustKnow(what: string, name: string, known: readonly string[], where?: string): void {
  if (!known.includes(name)) throw unknownWord(what, name, known, where === undefined ? {} : { where });
}
