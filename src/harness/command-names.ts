import { visible } from "./visible.ts";

export const commandNames = ["status", "stop", "retry", "cost", "help"] as const;
export type CommandName = (typeof commandNames)[number];

/** The command that a post is, or undefined: `@athena !stop`, in a direct message `!stop`, and nothing beside it. */
export function commandOf(text: string, agent: string): CommandName | undefined {
  const said = visible(text)
    .replace(new RegExp(`(^|\\s)@${agent}\\b[,:]?`, "gi"), " ")
    .trim()
    .toLowerCase();
  return commandNames.find((name) => said === `!${name}`);
}
