import type { CommandEntry } from "./commands.ts";
import { globalOptions } from "./help-style.ts";

/** Titles of the groups of commands, in their order. */
export const groups: Readonly<Record<CommandEntry["group"], string>> = {
  day: "In the order of a day",
  machines: "Machines",
  team: "Team, roles and secrets",
  lab: "Lab",
  other: "More",
};

/** What `olympus` says without arguments: what it is, the commands of a day, the rest in groups, where help is. */
export function overview(commands: Readonly<Record<string, CommandEntry>>): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const sections = Object.entries(groups).flatMap(([group, title]) => {
    const lines = Object.entries(commands)
      .filter(([, entry]) => entry.group === group)
      .map(([name, entry]) => `  ${name.padEnd(width)}  ${entry.summary}`);
    return lines.length === 0 ? [] : [`${title}:\n${lines.join("\n")}`];
  });
  return [
    "Olympus: a team of AI employees on your own libvirt hypervisors.",
    ...sections,
    [
      `Every command takes ${globalOptions.join(", ")}.`,
      "Help: npx olympus <command> --help    Pages: docs/",
      "Exit codes: npx olympus help exit-codes",
    ].join("\n"),
  ].join("\n\n");
}
