import type { Break, Head } from "../harness/audit/chain.ts";
import { readHead } from "../harness/audit/head-post.ts";

/** The heads that an agent told the team, and those of them whose post was changed afterwards. */
export function headsOf(
  agent: string,
  posts: readonly { readonly agent: string; readonly text: string; readonly changed: boolean }[],
): { heads: Head[]; breaks: Break[] } {
  const own = posts.filter((post) => post.agent === agent);
  const told = own.flatMap(({ text, changed }) => {
    const head = readHead(agent, text);
    return head === undefined ? [] : [{ head, changed }];
  });
  return {
    heads: told.filter(({ changed }) => !changed).map(({ head }) => head),
    breaks: told
      .filter(({ changed }) => changed)
      .map(({ head: { day, seq } }) => ({ seq, what: `the post that told the head of ${day} was changed afterwards` })),
  };
}
