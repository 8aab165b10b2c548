import { claimsIn, eachBranched, pullsOfClaim, release } from "./claim.ts";
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
  await eachBranched(parts, repo, async (number) => {
    signal.throwIfAborted();
    const [held] = claimsIn(parts, repo, number, await forge.comments(repo, number));
    if (held === undefined || !isMe(settings, held.login)) return;
    const pulls = (await pullsOfClaim(parts, repo, number, held)).filter(({ state }) => state !== "closed");
    left.open.push(...pulls.flatMap((pull) => (pull.state === "open" ? pull.number : [])));
    if (pulls.length > 0) return;
    const why = `@${settings.login} has left the team: this is free again.`;
    await release(parts, repo, number, { claim: held.comment, why }, signal);
    left.freed.push(number);
  });
  return left;
}
