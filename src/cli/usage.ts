import { type Command, type CommanderError, InvalidArgumentError } from "commander";
import { exitCodes, OlympusError } from "../base/errors.ts";

export { mustKnow, unknownWord } from "../team/unknown.ts";

/** A wrong word or option as an error with a next step. */
export function usageError(message: string, hint: string): OlympusError {
  return new OlympusError(message, { code: "E-USAGE", exit: exitCodes.usage, hint });
}

/** Commander's complaint in the words of all other errors; `words` are the command line that it is about. */
export function fromCommander(error: CommanderError, program: Command, words: readonly string[]): OlympusError {
  const [first = "", ...rest] = error.message.replace(/^error: /, "").split("\n");
  const meant = /Did you mean (?:one of )?(.+)\?/.exec(rest.join(" "))?.[0];
  const path = commandPath(program, words);
  const help = `${names(path).join(" ")} --help shows what there is.`;
  const option = /unknown option '([^'=]+)/.exec(first)?.[1];
  const instead = option === undefined ? meant : (misplaced(path, option, words) ?? meant);
  return usageError(
    first.replaceAll("'", '"').replace(/\.$/, ""),
    instead === undefined ? help : `${instead}\n${help}`,
  );
}

/** Where an option that a command does not know would be right: behind a word that follows, or behind `--` where words are another program's. */
function misplaced(path: readonly Command[], option: string, words: readonly string[]): string | undefined {
  const at = path.at(-1)!;
  const knows = (command: Command): boolean =>
    command.options.some(({ long, short }) => long === option || short === option);
  const below = at.commands.find((command) => words.includes(command.name()) && knows(command));
  if (below !== undefined) return `Put ${option} after ${below.name()}.`;
  const takesWords = at.registeredArguments.some(({ variadic, description }) => variadic && description.includes("--"));
  return takesWords
    ? `Put -- before a command for the machine: ${names(path).join(" ")} <machine> -- ls -l`
    : undefined;
}

/** For options such as `--lines 200`. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("Give a whole number.");
  return Number(text);
}

/** `olympus role check`, as far as the words name commands. */
function commandPath(program: Command, words: readonly string[]): Command[] {
  const path = [program];
  for (const word of words) {
    const next = path.at(-1)!.commands.find((command) => command.name() === word || command.aliases().includes(word));
    if (next === undefined) break;
    path.push(next);
  }
  return path;
}

const names = (path: readonly Command[]): string[] => path.map((command) => command.name());
