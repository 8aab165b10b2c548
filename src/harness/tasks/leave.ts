import { claimsIn, eachBranched, pullsOfClaim, release } from "./claim.ts";
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
  await eachBranched(parts, repo, async (number) => {
    signal.throwIfAborted();
    const [held] = claimsIn(parts, repo, number, await forge.comments(repo, number));
    if (held === undefined || !isMe(settings, held.login)) return;
    const pulls = (await pullsOfClaim(parts, repo, number, held)).filter(({ state }) => state !== "closed");
    for (const pull of pulls) if (pull.state === "open") told.open(pull.number);
    if (pulls.length > 0) return;
    const why = `@${settings.login} has left the team: this is free again.`;
    await release(parts, repo, number, { claim: held.comment, why }, signal);
    told.freed(number);
  });
}
