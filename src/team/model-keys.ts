/** Where the secrets have an agent's own key for a provider, or for what `key` in the team file names; it stands in for the team's. */
export function agentKeyPath(agent: string, name: string): string {
  return `agents.${agent}.models.${name}`;
}
