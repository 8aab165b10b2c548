import type { Forge, ForgeReview } from "../forge-port.ts";
import { readMarker } from "../review/compose.ts";
import { isAgent, type Known } from "../trust.ts";
import type { Gate } from "./gate.ts";

/**
 * Dismisses what agents wanted through lenses that a person overruled: a forge whose branch wants reviews merges nothing while one of them
 * wants changes. What people want stands.
 */
export async function dismissOverruled(
  { config, forge }: { readonly config: Known; readonly forge: Pick<Forge, "dismissReview"> },
  { repo, number, overruled }: Gate,
  reviews: readonly ForgeReview[],
): Promise<void> {
  for (const { id, state, author, body } of reviews) {
    const lens = readMarker(body)?.lens;
    if (state !== "changes_requested" || lens === undefined || !overruled.includes(lens) || !isAgent(config, author))
      continue;
    await forge.dismissReview(repo, number, id, `A person overruled ${lens} for this commit.`);
  }
}
