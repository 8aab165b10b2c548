import type { Secret } from "../../base/secret.ts";
import { audit } from "../audit/audit.ts";
import { withoutSecrets } from "../guarded-chat.ts";
import type { Store } from "../store/open.ts";
import type { ReviewParts } from "./review.ts";

/** Keeps secrets in a review from leaving, and writes down what a reviewing model wanted beside its review. */
export function reviewGuards(
  store: Store,
  secrets: readonly Secret[],
  clock: { now(): number },
): Pick<ReviewParts, "clean" | "refused"> {
  const refused = (what: string, run: string, evidence?: { secrets: string }) =>
    audit(store, { kind: "refusal", actor: "model", what, run, ...(evidence && { evidence }) }, clock.now());
  return {
    clean(said, run) {
      const { text, found } = withoutSecrets(said, secrets);
      if (found.length > 0) refused("say a secret", run, { secrets: found.join(", ") });
      return text;
    },
    refused: (wish, run) => void refused(`call ${wish}`, run),
  };
}
