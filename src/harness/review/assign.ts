import { createHash } from "node:crypto";
import type { ForgePull } from "../forge-port.ts";

/** An agent that may look at a change. */
export interface Reviewer {
  readonly name: string;
  readonly login: string;
  /** What it looks at first. */
  readonly lenses: readonly string[];
  /** Reviews that it was asked for and has not given. */
  readonly load: number;
}

/**
 * Who wears which lens: anybody but the author; first those who look at it first, then those with the least to do, then by chance that
 * is the same for everybody who asks. Lenses for which there is nobody are left out.
 */
export function assign(
  lenses: readonly string[],
  reviewers: readonly Reviewer[],
  author: string,
  subject: string,
): Map<string, Reviewer> {
  const able = reviewers.filter(({ login }) => login.toLowerCase() !== author.toLowerCase());
  const loads = new Map(able.map(({ login, load }) => [login, load]));
  const given = new Map<string, Reviewer>();
  for (const lens of lenses) {
    const order = able
      .map((one) => ({
        one,
        key: [
          one.lenses.includes(lens) ? 0 : 1,
          loads.get(one.login)!,
          lot(`${subject} ${lens} ${one.login}`),
        ] as const,
      }))
      .sort((a, b) => a.key[0] - b.key[0] || a.key[1] - b.key[1] || a.key[2] - b.key[2]);
    const first = order[0]?.one;
    if (first === undefined) continue;
    given.set(lens, first);
    loads.set(first.login, loads.get(first.login)! + 1);
  }
  return given;
}

/** Reviews that somebody was asked for, in these pull requests. */
export const askedOf = (pulls: readonly Pick<ForgePull, "requestedReviewers">[], login: string): number =>
  pulls.filter(({ requestedReviewers }) =>
    requestedReviewers.some((other) => other.toLowerCase() === login.toLowerCase()),
  ).length;

/** Who looks after a pull request: its author, where that is an agent of the team, else one of them whom everybody finds alone. */
export function keeperOf(agents: readonly string[], author: string, subject: string): string | undefined {
  const own = agents.find((login) => login.toLowerCase() === author.toLowerCase());
  return own ?? [...agents].sort((a, b) => lot(`${subject} ${a}`) - lot(`${subject} ${b}`))[0];
}

function lot(text: string): number {
  return createHash("sha256").update(text.toLowerCase()).digest().readUInt32BE();
}
