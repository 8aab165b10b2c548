import type { Argument, Command, Option } from "commander";
import type { CommandEntry } from "./commands.ts";
import { fallbackOf, sentence } from "./help-style.ts";

/** docs/reference/commands.md from the commands themselves: words, arguments, options and examples of each. */
export function commandPage(
  groups: Readonly<Record<string, string>>,
  entries: readonly { readonly entry: CommandEntry; readonly command: Command }[],
): string {
  const parts = [
    "# Commands",
    "`npx olympus` lists them, with `help <command>` it explains one. This page is made from the commands (`node src/cli/write-docs.ts`).",
    "## Options of every command",
    table([
      ["`--team <file>`", "the team file; else `OLYMPUS_TEAM`, the lab that is up, or `./team.yaml`"],
      ["`--json`", "stdout carries one JSON object a line, each with `v` and `type`; errors are among them"],
      ["`--yes`, `-y`", "agrees to every question; so does `CI=true`"],
      ["`--no-input`", "asks nothing: where a question would come, it ends with exit code 6"],
      ["`--debug`", "shows where an error was raised"],
    ]),
    "Data goes to stdout, everything else to stderr. [Exit codes](exit-codes.md) and [error codes](errors.md) have pages of their own.",
    ...Object.entries(groups).flatMap(([group, title]) => [
      `## ${title}`,
      ...entries.filter(({ entry }) => entry.group === group).flatMap(({ command }) => section(command, [])),
    ]),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function section(command: Command, parents: readonly string[]): string[] {
  const path = [...parents, command.name()];
  const { examples, prose } = leadOf(command, parents.length === 0 ? undefined : `npx olympus ${path.join(" ")}`);
  return [
    `${"#".repeat(path.length + 2)} olympus ${path.join(" ")}`,
    sentence(command.description()),
    prose,
    examples === "" ? "" : `\`\`\`sh\n${examples}\n\`\`\``,
    command.commands.length > 0 ? "" : `Usage: \`${["npx olympus", ...path, usageOf(command)].join(" ").trim()}\``,
    table([...command.registeredArguments.map(argumentRow), ...command.options.map(optionRow)]),
    ...command.commands.flatMap((sub) => section(sub, path)),
  ];
}

/** Commander's `[options] <name>`, with `[options]` only where there are some. */
function usageOf(command: Command): string {
  return command.options.length > 0 ? command.usage() : command.usage().replace("[options]", "").trim();
}

function argumentRow(argument: Argument): string[] {
  const dots = argument.variadic ? "..." : "";
  return [
    argument.required ? `\`<${argument.name()}${dots}>\`` : `\`[${argument.name()}${dots}]\``,
    argument.description,
  ];
}

function optionRow(option: Option): string[] {
  const notes = [
    ...(option.argChoices === undefined ? [] : [option.argChoices.join(" or ")]),
    ...fallbackOf(option).map((fallback) => `\`${fallback}\` unless given`),
  ];
  return [
    `\`${option.flags}\``,
    notes.length === 0 ? option.description : `${option.description} (${notes.join("; ")})`,
  ];
}

/** What stands above a command's usage line: example lines are indented, prose is not. A subcommand shows only its own part of it. */
function leadOf(command: Command, own?: string): { examples: string; prose: string } {
  const written: string[] = [];
  command.configureOutput({ writeOut: (part) => written.push(part) }).outputHelp();
  const text = written.join("").split(/^Usage:/m, 1)[0] ?? "";
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return {
    examples: lines
      .filter((line) => line.startsWith(`  ${own ?? ""}`))
      .map((line) => line.trim().replace(/^(.*?\S) {2,}(\S.*)$/, "$1  # $2"))
      .join("\n"),
    prose: lines
      .filter((line) => own === undefined && !line.startsWith("  "))
      .join(" ")
      .replaceAll(/ {2,}/g, " "),
  };
}

function table(rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const escaped = rows.map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`);
  return ["| word | meaning |", "| --- | --- |", ...escaped].join("\n");
}
