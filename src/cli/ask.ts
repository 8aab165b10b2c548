import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import type { GlobalOptions } from "./context.ts";

/** Somebody sits at a terminal and may be asked. */
export function canAsk({ input }: Pick<GlobalOptions, "input">): boolean {
  return input && process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/**
 * One line that a person types on the terminal, without spaces around it; empty where the input ends without one.
 * Rejects with an AbortError on Ctrl-C, on Ctrl-D and when `signal` is aborted; what is then said begins on a line of its own.
 */
export async function ask(question: string, signal: AbortSignal): Promise<string> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // A question is never settled when the input ends, so its end counts as an answer.
    const ended = once(prompt, "close").then(() => "");
    return (await Promise.race([prompt.question(question, { signal }), ended])).trim();
  } catch (error) {
    process.stderr.write("\n");
    throw error;
  } finally {
    prompt.close();
  }
}
