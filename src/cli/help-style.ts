import type { Command, Option } from "commander";

/** Options of every command, as help shows them. */
export const globalOptions = ["--team <file>", "--json", "--yes", "--no-input", "--debug"] as const;

/** Help of every command looks alike: descriptions are sentences, lines fit 80 columns. Inherited by commands added later. */
export function styleHelp(program: Command): Command {
  return program.addHelpText("afterAll", `\nEverywhere: ${globalOptions.join(", ")}`).configureHelp({
    commandDescription: (command) => sentence(command.description()),
    subcommandDescription: (command) => phrase(command.description()),
    optionDescription(option) {
      const notes = [
        ...(option.argChoices === undefined ? [] : [option.argChoices.join(" or ")]),
        ...fallbackOf(option).map((fallback) => `${fallback} unless given`),
      ];
      return notes.length === 0 ? option.description : `${option.description} (${notes.join("; ")})`;
    },
  });
}

/** What an option is unless given. A list that nothing was added to is nothing to tell. */
export function fallbackOf({ defaultValue }: Option): string[] {
  const value = defaultValue as unknown;
  return value === undefined || value === false || String(value) === "" ? [] : [String(value)];
}

/** `set up roles` -> `Set up roles.` */
export function sentence(text: string): string {
  const whole = text.endsWith(".") || text === "" ? text : `${text}.`;
  return whole.charAt(0).toUpperCase() + whole.slice(1);
}

/** `Set up roles.` -> `set up roles`; abbreviations and names of several sentences stay. */
function phrase(text: string): string {
  const bare = text.replace(/\.$/, "");
  return /^[A-Z][a-z]/.test(bare) ? bare.charAt(0).toLowerCase() + bare.slice(1) : bare;
}
