import type { AgentConfig } from "../config.ts";
import type { CommitStatus } from "../forge-port.ts";
import { isAgent } from "../trust.ts";
import { lensOf } from "./lenses.ts";

/** What is known of the lenses of one commit, by its statuses. Only those that agents of the team set count. */
export interface LensStates {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  /** Who is to look, by lens, and since when (ms). */
  readonly pending: ReadonlyMap<string, { readonly login: string; readonly at: number }>;
}

export function lensStates(
  config: Pick<AgentConfig, "forge">,
  statuses: readonly CommitStatus[],
  author: string,
): LensStates {
  const passed: string[] = [];
  const failed: string[] = [];
  const pending = new Map<string, { login: string; at: number }>();
  for (const { context, state, description, author: by, at } of statuses) {
    const lens = lensOf(context);
    if (lens === undefined || by === undefined || !isAgent(config, by)) continue;
    if (state === "pending") {
      const login = readAssigned(description);
      if (login !== undefined) pending.set(lens, { login, at });
    } else if (by.login.toLowerCase() === author.toLowerCase()) {
      // Nobody's own word about a change of his counts.
    } else if (state === "success") passed.push(lens);
    else failed.push(lens);
  }
  return { passed, failed, pending };
}

/** The words of a pending status: who is to look at it, so that exactly one does. */
export const sayAssigned = (login: string): string => `${login} is to look at it`;
export const readAssigned = (description: string) => /^(\S+) is to look at it$/.exec(description)?.[1];
