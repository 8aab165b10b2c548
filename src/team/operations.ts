import type { Team } from "./schema.ts";

/** Where agents report on themselves, `olympus/operations`: what the policy names, or the first channel called operations. */
export function operationsChannel({ policy, teams }: Pick<Team, "policy" | "teams">): string | undefined {
  if (policy.operations !== undefined) return policy.operations;
  const team = Object.keys(teams).find((name) => teams[name]!.channels.includes("operations"));
  return team && `${team}/operations`;
}
