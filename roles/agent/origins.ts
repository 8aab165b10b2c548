import type { LoadedTeam, Machine } from "../../src/team/model.ts";

/**
 * Where in the team file an agent's values stand, by their names in its configuration: at the agent itself, or at the team's defaults as
 * `resolveTeam` takes them. What neither names is left out: it is nobody's, and has its default.
 */
export function originsOf({ team }: LoadedTeam, { name }: Machine): Record<string, string> {
  const agent = team.agents[name];
  const { defaults } = team;
  const at = (own: unknown, shared: unknown, field: string): [string, string][] =>
    own !== undefined
      ? [[field, `agents.${name}.${field}`]]
      : shared !== undefined
        ? [[field, `defaults.${field}`]]
        : [];
  return Object.fromEntries([
    ...at(agent?.models, defaults.models, "models"),
    ...at(agent?.budget, defaults.budget, "budget"),
    ...at(agent?.quietHours, defaults.quietHours, "quietHours"),
    // Taken one by one: an agent's own limit leaves the team's others standing.
    ...at(agent?.limits?.runs, defaults.limits.runs, "limits.runs"),
    ...at(agent?.limits?.calls, defaults.limits.calls, "limits.calls"),
  ]);
}
