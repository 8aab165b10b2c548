import type { Command } from "commander";

/** Options of every command, as help shows them. */
export const globalOptions = ["--team <file>", "--json", "--yes", "--no-input", "--debug"] as const;

/** Help of every command looks alike: descriptions are sentences, lines fit 80 columns. Inherited by commands added later. */
export function styleHelp(program: Command): Command {
  return program.addHelpText("afterAll", `\nEverywhere: ${globalOptions.join(", ")}`).configureHelp({
    commandDescription: (command) => sentence(command.description()),
    subcommandDescription: (command) => phrase(command.description()),
    optionDescription(option) {
      const { choices, defaultValue } = { choices: option.argChoices, defaultValue: option.defaultValue as unknown };
      const notes = [
        ...(choices === undefined ? [] : [choices.join(" or ")]),
        ...(defaultValue === undefined || defaultValue === false ? [] : [`${String(defaultValue)} unless given`]),
      ];
      return notes.length === 0 ? option.description : `${option.description} (${notes.join("; ")})`;
    },
  });
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
