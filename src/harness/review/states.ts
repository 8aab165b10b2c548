import type { AgentConfig } from "../config.ts";
import type { CommitStatus } from "../forge-port.ts";
import { isAgent } from "../trust.ts";
import { lensOf } from "./lenses.ts";

/** What is known of the lenses of one commit, by its statuses. Only those that agents of the team set count. */
export interface LensStates {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  /** Set in a lens's name by somebody whose word does not count. */
  readonly forged: readonly { readonly context: string; readonly by: string; readonly at: number }[];
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
  const forged: { context: string; by: string; at: number }[] = [];
  const pending = new Map<string, { login: string; at: number }>();
  for (const { context, state, description, author: by, at } of statuses) {
    const lens = lensOf(context);
    if (lens === undefined) continue;
    const own = by?.login.toLowerCase() === author.toLowerCase();
    if (by === undefined || !isAgent(config, by) || (own && state !== "pending")) {
      forged.push({ context, by: by?.login ?? "nobody", at });
      continue;
    }
    if (state === "pending") {
      const login = readAssigned(description);
      if (login !== undefined) pending.set(lens, { login, at });
    } else if (state === "success") passed.push(lens);
    else failed.push(lens);
  }
  return { passed, failed, forged, pending };
}

/** The words of a pending status: who is to look at it, so that exactly one does. */
export const sayAssigned = (login: string): string => `${login} is to look at it`;
export const readAssigned = (description: string) => /^(\S+) is to look at it$/.exec(description)?.[1];

/** Whether somebody looks, or looked, through the lens of a status. The team file may write a login in another case than the forge does. */
export function isWornBy({ state, description, author }: CommitStatus, login: string): boolean {
  const wearer = state === "pending" ? readAssigned(description) : author?.login;
  return wearer?.toLowerCase() === login.toLowerCase();
}
