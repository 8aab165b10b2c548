import { ForgeError } from "../forge-port.ts";
import { branchOf, claimsIn, pullsOfClaim, release } from "./claim.ts";
import { type ForgeParts, isMe } from "./parts.ts";

/** What an agent had on a repository when it left the team. */
export interface Left {
  /** Issues that are free again. */
  readonly freed: readonly number[];
  /** Pull requests of it that are open: for people. */
  readonly open: readonly number[];
}

/**
 * Releases what an agent has claimed in a repository, for one that does not come back. Its open pull requests stay, with their branches:
 * people decide on those. May be repeated. Throws ForgeError, and the signal's reason.
 */
export async function leave(
  parts: Pick<ForgeParts, "forge" | "settings" | "key" | "store" | "clock" | "log">,
  repo: string,
  signal: AbortSignal,
): Promise<Left> {
  const { forge, settings } = parts;
  const left = { freed: [] as number[], open: [] as number[] };
  for (const { name } of await forge.branches(repo, branchOf(0).slice(0, -1))) {
    signal.throwIfAborted();
    const number = Number(/-([1-9]\d*)$/.exec(name)?.[1]);
    if (branchOf(number) !== name) continue;
    try {
      const [held] = claimsIn(parts, repo, number, await forge.comments(repo, number));
      if (held === undefined || !isMe(settings, held.login)) continue;
      const pulls = (await pullsOfClaim(parts, repo, number, held)).filter(({ state }) => state !== "closed");
      left.open.push(...pulls.flatMap((pull) => (pull.state === "open" ? pull.number : [])));
      if (pulls.length > 0) continue;
      const why = `@${settings.login} has left the team: this is free again.`;
      await release(parts, repo, number, { claim: held.comment, why }, signal);
      left.freed.push(number);
    } catch (error) {
      // An issue that was deleted keeps no other one from being free again.
      if (!(error instanceof ForgeError) || error.kind !== "missing") throw error;
    }
  }
  return left;
}
