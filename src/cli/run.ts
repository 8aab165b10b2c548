import { readFileSync } from "node:fs";
import { join } from "node:path";
import { asOlympusError, exitCodes, OlympusError, OlympusErrors } from "../base/errors.ts";
import { projectRoot, teamPointer } from "../base/paths.ts";
import { readable } from "../base/readable.ts";
import type { RunAction } from "./command.ts";
import { confirm } from "./confirm.ts";
import type { CommandContext, GlobalOptions } from "./context.ts";
import { sameTeam } from "./same-team.ts";
import { createReporter } from "./terminal.ts";

/** Options that every command takes, wherever they stand; the rest of the words goes to the command. `problem` says what is wrong with them. */
export function splitGlobalOptions(words: readonly string[]): {
  options: GlobalOptions;
  argv: string[];
  problem?: string;
} {
  const argv: string[] = [];
  let team: string | undefined;
  const flags = { json: false, yes: false, debug: false, input: true };
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at]!;
    if (word === "--") {
      argv.push(...words.slice(at));
      break;
    }
    if (word === "--json") flags.json = true;
    else if (word === "--yes" || word === "-y") flags.yes = true;
    else if (word === "--debug") flags.debug = true;
    else if (word === "--no-input") flags.input = false;
    else if (word === "--team") team = words[++at] ?? "";
    else if (word.startsWith("--team=")) team = word.slice("--team=".length);
    else argv.push(word);
  }
  // A forgotten name would silently mean another team.
  const problem = team === "" || team?.startsWith("-") ? "--team needs the name of a file" : undefined;
  return {
    options: { ...flags, ...(team === undefined ? {} : { team }) },
    argv,
    ...(problem === undefined ? {} : { problem }),
  };
}

/** The team file that a command uses when none was named: the lab that is up, or the project's own. */
export function findTeamFile(options: GlobalOptions): string {
  if (options.team !== undefined) return options.team;
  if (process.env.OLYMPUS_TEAM) return process.env.OLYMPUS_TEAM;
  try {
    return readFileSync(teamPointer(), "utf8").trim();
  } catch (error) {
    // One that may not be read is no reason to take another team.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return join(projectRoot, "team.yaml");
  }
}

const unanswered = new OlympusError("The question was not answered.", {
  code: "E-CONFIRM",
  exit: exitCodes.confirmation,
  hint: "Run the same command again; where it asks y/N, --yes agrees beforehand.",
});

/** What stands around the actions of commands. */
export interface Runner {
  readonly run: RunAction;
  /** The words without global options. */
  readonly argv: readonly string[];
  /** Shows any error as actions' errors are shown, and gives the exit code. */
  readonly fail: (error: unknown) => number;
  /** What is wrong with the global options themselves. */
  readonly problem: string | undefined;
}

/** Wires global options, interruption, output and exit codes around the actions of commands. */
export function createRunner(words: readonly string[]): Runner {
  const { options, argv, problem } = splitGlobalOptions(words);
  const reporter = createReporter({ json: options.json });
  const interruption = new AbortController();
  let quiet = false;

  const context: CommandContext = {
    reporter,
    options,
    signal: interruption.signal,
    endsByInterruption: () => {
      quiet = true;
    },
    async loadTeam() {
      const { loadTeam } = await import("../team/load.ts");
      return loadTeam(findTeamFile(options));
    },
    confirm: (question) => confirm(question, options, interruption.signal),
  };

  const onSignal = (): void => {
    if (interruption.signal.aborted) process.exit(exitCodes.interrupted);
    if (!quiet)
      reporter.warn(
        "stopping once what is under way can be left, which may take a minute (again: at once; the next run mends what that leaves)",
      );
    interruption.abort();
  };

  // A reader that has seen enough (`| head`) ends the command as Ctrl-C does, but without a word.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    interruption.abort();
  });

  const run: RunAction =
    (action) =>
    async (...args) => {
      process.on("SIGINT", onSignal).on("SIGTERM", onSignal).on("SIGHUP", onSignal);
      try {
        const code = await action(context, ...args);
        process.exitCode = code ?? exitCodes.done;
      } catch (error) {
        process.exitCode = showError(error);
      } finally {
        process.off("SIGINT", onSignal).off("SIGTERM", onSignal).off("SIGHUP", onSignal);
      }
    };

  function showError(thrown: unknown): number {
    // At a prompt the terminal is in raw mode: Ctrl-C and Ctrl-D are keys there, and Node rejects the question with them.
    const key = thrown instanceof Error && thrown.name === "AbortError" ? /Ctrl\+([CD])/.exec(thrown.message)?.[1] : "";
    const error = key === "D" ? unanswered : thrown;
    if (interruption.signal.aborted || key === "C") {
      if (quiet) return exitCodes.interrupted;
      const message = "interrupted; run the same command to go on from here";
      reporter.event({ type: "interrupted", message });
      reporter.warn(message);
      return exitCodes.interrupted;
    }
    const all = error instanceof OlympusErrors ? error.errors : [error];
    if (error instanceof OlympusErrors) reporter.info(error.message);
    for (const one of all) {
      const shown = asOlympusError(one);
      const { code, message, where } = shown;
      const hint = shown.hint === undefined ? undefined : sameTeam(shown.hint, options.team);
      reporter.event({ type: "error", code, message, where, hint });
      reporter.error(shown, hint);
      if (options.debug && one instanceof Error) process.stderr.write(`${readable(one.stack ?? "")}\n`);
    }
    return error instanceof OlympusErrors ? error.exit : asOlympusError(error).exit;
  }

  return { run, argv, fail: showError, problem };
}
