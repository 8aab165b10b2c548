import { exitCodes, OlympusError } from "../base/errors.ts";
import { ask, canAsk } from "./ask.ts";
import type { CommandContext } from "./context.ts";

/**
 * Has a name typed before data goes; `given` are names from `--confirm`. `--yes` is no substitute.
 * Throws E-CONFIRM (exit 6) for anything else, and where nobody can be asked.
 */
export async function confirmName(
  { options, signal }: Pick<CommandContext, "options" | "signal">,
  name: string,
  what: string,
  given: readonly string[],
): Promise<void> {
  if (given.includes(name)) return;
  if (canAsk(options) && (await ask(`Type ${name} to delete ${what} for good: `, signal)) === name) return;
  throw new OlympusError(`Nobody agreed to deleting ${what}; nothing was changed.`, {
    code: "E-CONFIRM",
    exit: exitCodes.confirmation,
    hint: `Add --confirm ${name}`,
  });
}
