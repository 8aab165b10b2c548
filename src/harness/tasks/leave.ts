import { ForgeError } from "../forge-port.ts";
import { branchOf, claimsIn, release } from "./claim.ts";
import { type ForgeParts, isMe } from "./parts.ts";

/** Hears at once what becomes of what an agent had on a repository: the forge may fail before the last of it. */
export interface Leaving {
  /** An issue is free again. */
  freed(number: number): void;
  /** A pull request of it is open: for people. */
  open(number: number): void;
}

/**
 * Releases what an agent has claimed in a repository, for one that does not come back. Its open pull requests stay, with their branches:
 * people decide on those. May be repeated. Throws ForgeError, and the signal's reason.
 */
export async function leave(
  parts: Pick<ForgeParts, "forge" | "settings" | "key" | "store" | "clock" | "log">,
  repo: string,
  signal: AbortSignal,
  told: Leaving,
): Promise<void> {
  const { forge, settings } = parts;
  for (const { name } of await forge.branches(repo, branchOf(0).slice(0, -1))) {
    signal.throwIfAborted();
    const number = Number(/-([1-9]\d*)$/.exec(name)?.[1]);
    if (branchOf(number) !== name) continue;
    try {
      const [held] = claimsIn(parts, repo, number, await forge.comments(repo, number));
      if (held === undefined || !isMe(settings, held.login)) continue;
      const pulls = await forge.pullsOf(repo, name);
      const open = pulls.find(({ state }) => state === "open");
      if (open !== undefined) told.open(open.number);
      if (pulls.some(({ state, createdAt }) => state !== "closed" && createdAt >= held.at) || open !== undefined)
        continue;
      const why = `@${settings.login} has left the team: this is free again.`;
      await release(parts, repo, number, { claim: held.comment, why }, signal);
      told.freed(number);
    } catch (error) {
      // An issue that was deleted keeps no other one from being free again.
      if (!(error instanceof ForgeError) || error.kind !== "missing") throw error;
    }
  }
}
