import { asMap, asText, type Draft } from "../draft.ts";
import type { Problem } from "../problems.ts";
import { channelProblems } from "./schedules.ts";

/** What the policy names and the file does not have. */
export function checkPolicy(draft: Draft): Problem[] {
  const channel = asText(asMap(draft.raw.policy).operations);
  if (channel === undefined) return [];
  return channelProblems(draft, ["policy", "operations"], channel, draft.names("agents"));
}
