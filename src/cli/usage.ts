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
  const help = `${commandPath(program, words).join(" ")} --help shows what there is.`;
  return usageError(first.replaceAll("'", '"').replace(/\.$/, ""), meant === undefined ? help : `${meant}\n${help}`);
}

/** For options such as `--lines 200`. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("Give a whole number.");
  return Number(text);
}

/** `olympus role check`, as far as the words name commands. */
function commandPath(program: Command, words: readonly string[]): string[] {
  const path = [program.name()];
  let at: Command | undefined = program;
  for (const word of words) {
    at = at.commands.find((command) => command.name() === word || command.aliases().includes(word));
    if (at === undefined) break;
    path.push(word);
  }
  return path;
}
