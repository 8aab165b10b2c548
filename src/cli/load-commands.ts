import { Command } from "commander";
import type { CommandEntry } from "./commands.ts";
import { commands } from "./commands.ts";
import { styleHelp } from "./help-style.ts";

/** Every command as commander knows it, without its action: for pages and tests. */
export async function loadCommands(): Promise<{ entry: CommandEntry; command: Command }[]> {
  return Promise.all(
    Object.entries(commands).map(async ([name, entry]) => {
      const program = styleHelp(new Command("npx olympus"));
      (await entry.load()).command.register(program, () => async () => undefined);
      const command = program.commands.find((one) => one.name() === name);
      if (command === undefined) throw new Error(`the module of ${name} registers no command of that name`);
      return { entry, command };
    }),
  );
}
