import { Command, CommanderError } from "commander";
import { exitCodes } from "../base/errors.ts";
import { commands } from "./commands.ts";
import { overview } from "./help.ts";
import { createRunner } from "./run.ts";

const { run, argv } = createRunner(process.argv.slice(2));

const program = new Command("olympus")
  .usage("<command> [options]")
  .exitOverride()
  .showHelpAfterError("(olympus --help lists the commands)");

const wanted = argv[0];
const entry = wanted === undefined ? undefined : commands[wanted];

if (entry !== undefined) {
  const { command } = await entry.load();
  command.register(program, run);
  program.commands[0]?.exitOverride();
} else {
  // Names only: enough for help and for suggesting the nearest known word.
  for (const [name, { summary }] of Object.entries(commands)) program.command(name).description(summary);
}

if (wanted === undefined || wanted === "help" || wanted === "--help" || wanted === "-h") {
  process.stdout.write(`${overview(commands)}\n`);
} else {
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  }
}
