import type { Command } from "commander";
import type { CommandContext } from "./context.ts";

/** A file in src/cli exports one of these as `command`. */
export interface CliCommand {
  /** Adds arguments, options, examples and the action. The action's return value is the exit code (0 when void). */
  register(program: Command, run: RunAction): void;
}

/** What a command's own subcommands are added to. */
export type CommandParent = Command;

/** Wraps an action: gives it the context, turns its result or error into output and an exit code. */
export type RunAction = <A extends unknown[]>(
  action: (context: CommandContext, ...args: A) => Promise<number | undefined> | Promise<void>,
) => (...args: A) => Promise<void>;
