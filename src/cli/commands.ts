import type { CliCommand } from "./command.ts";

export interface CommandEntry {
  readonly summary: string;
  readonly group: "day" | "machines" | "team" | "lab" | "other";
  readonly load: () => Promise<{ command: CliCommand }>;
}

/** Every command, in the order of a day. Modules are loaded only when asked for, which keeps start-up short. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  bench: { summary: "measure what the docs promise", group: "other", load: () => import("./bench.ts") },
};
