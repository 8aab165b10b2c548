import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { exitCodes, OlympusError } from "../base/errors.ts";
import type { GlobalOptions } from "./context.ts";

/**
 * Asks y/N on a terminal; anything but y or yes is a no, and Ctrl-D is no answer (exit 6). `--yes` and CI=true (which says that nobody is there) answer yes.
 * Throws E-CONFIRM (exit 6) where nobody can be asked.
 */
export async function confirm(question: string, options: GlobalOptions, signal: AbortSignal): Promise<boolean> {
  if (options.yes || process.env.CI === "true") return true;
  if (!options.input || !process.stdin.isTTY || !process.stderr.isTTY) {
    throw new OlympusError(`${question} Nobody can be asked here.`, {
      code: "E-CONFIRM",
      exit: exitCodes.confirmation,
      hint: "Give --yes to agree.",
    });
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // A question is never settled when the input ends, so its end counts as an answer.
    const ended = once(prompt, "close").then(() => "");
    const answer = await Promise.race([prompt.question(`${question} [y/N] `, { signal }), ended]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}
