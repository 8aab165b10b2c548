import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { exitCodes, type OlympusError } from "../base/errors.ts";
import { projectRoot } from "../base/paths.ts";
import { nearest } from "../team/nearest.ts";
import { commands } from "./commands.ts";
import { overview } from "./help.ts";
import { styleHelp } from "./help-style.ts";
import { createRunner } from "./run.ts";
import { fromCommander, usageError } from "./usage.ts";

const { run, argv, fail, problem } = createRunner(process.argv.slice(2));

const program = styleHelp(new Command("npx olympus"))
  .usage("<command> [options]")
  .exitOverride()
  // Its complaints are shown in the form of all other errors; help keeps going to stderr where it is no answer.
  .configureOutput({ outputError: () => undefined });

async function main(): Promise<number | undefined> {
  if (problem !== undefined) throw usageError(problem, "--team <file>, as in  --team examples/lab/team.yaml");
  // `help role` is `role --help`.
  const words = argv[0] === "help" && argv[1] !== undefined ? [...argv.slice(1), "--help"] : argv;
  const [wanted] = words;
  if (wanted === "exit-codes") return show(page("docs/reference/exit-codes.md"));
  if (wanted === undefined || wanted === "help" || wanted === "--help" || wanted === "-h")
    return show(overview(commands));
  if (wanted === "--version" || wanted === "-V") return show(version());

  const entry = Object.hasOwn(commands, wanted) ? commands[wanted] : undefined;
  if (entry === undefined) throw unknownWord(wanted, words);
  (await entry.load()).command.register(program, run);
  try {
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help that was asked for ends with 0, help in place of a missing subcommand with 1; both are on the screen already.
    if (/^commander\.(help|version)/.test(error.code)) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    throw fromCommander(error, program, words);
  }
  return undefined;
}

function unknownWord(word: string, words: readonly string[]): OlympusError {
  const later = words.find((one) => Object.hasOwn(commands, one));
  if (word.startsWith("-") && later !== undefined)
    return usageError(
      `unknown option "${word}" before a command`,
      `Put ${word} after ${later}.\nnpx olympus ${later} --help`,
    );
  const meant = nearest(word, Object.keys(commands));
  const overall = "npx olympus --help lists the commands.";
  return usageError(
    `unknown ${word.startsWith("-") ? "option" : "command"} "${word}"`,
    meant === undefined ? overall : `Did you mean ${meant}?\n${overall}`,
  );
}

function show(text: string): number {
  process.stdout.write(`${text.trimEnd()}\n`);
  return exitCodes.done;
}

function page(file: string): string {
  return readFileSync(join(projectRoot, file), "utf8");
}

function version(): string {
  return `olympus ${(JSON.parse(page("package.json")) as { version: string }).version}`;
}

// Once nothing is left to do. Node's own clean-up after that has been seen to run for ever, with nothing open (24.21: `CleanupHandles` waits
// for a request that is over); a process that exits leaves it out.
process.once("beforeExit", () => {
  // Node itself would end with 13 here.
  if (process.exitCode === undefined) process.exitCode = fail(new Error("what the command waits for never comes"));
  process.exit();
});

try {
  const code = await main();
  if (code !== undefined) process.exitCode = code;
} catch (error) {
  process.exitCode = fail(error);
}
