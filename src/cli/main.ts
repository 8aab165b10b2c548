import { Command, CommanderError } from "commander";
import { exitCodes } from "../base/errors.ts";
import { commands } from "./commands.ts";
import { createRunner } from "./run.ts";

const program = new Command("olympus")
  .description("A team of AI employees on your own libvirt hypervisors.")
  .option("--team <file>", "team file to use")
  .option("--json", "one event a line on stdout, for programs")
  .option("--yes", "answer every question with yes (never those about data)")
  .option("--no-input", "never ask; fail where an answer is needed")
  .option("--debug", "show stack traces")
  .showSuggestionAfterError(true)
  .showHelpAfterError("(olympus --help lists the commands)")
  .exitOverride();

const wanted = process.argv.slice(2).find((word) => !word.startsWith("-"));
const entry = wanted === undefined ? undefined : commands[wanted];
const runner = createRunner(process.argv.slice(2));

if (entry !== undefined) {
  const { command } = await entry.load();
  command.register(program, runner.run);
} else {
  for (const [name, { summary }] of Object.entries(commands)) program.command(name).description(summary);
}

try {
  if (wanted === undefined && process.argv.length === 2) program.outputHelp();
  else await program.parseAsync(runner.argv, { from: "user" });
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  else throw error;
}
