import { exitCodes, OlympusError } from "../base/errors.ts";
import { ask, canAsk } from "./ask.ts";
import type { GlobalOptions } from "./context.ts";

/**
 * Asks y/N on a terminal; anything but y or yes is a no, and Ctrl-D is no answer (exit 6). `--yes` and CI=true (which says that nobody is there) answer yes.
 * Throws E-CONFIRM (exit 6) where nobody can be asked.
 */
export async function confirm(question: string, options: GlobalOptions, signal: AbortSignal): Promise<boolean> {
  if (options.yes || process.env.CI === "true") return true;
  if (!canAsk(options)) {
    throw new OlympusError(`${question} Nobody can be asked here.`, {
      code: "E-CONFIRM",
      exit: exitCodes.confirmation,
      hint: "Give --yes to agree.",
    });
  }
  return /^y(es)?$/i.test(await ask(`${question} [y/N] `, signal));
}
