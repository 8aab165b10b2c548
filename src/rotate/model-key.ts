import { agentKeyPath } from "../team/model-keys.ts";
import { applyToAgents, forgetOld, oldValueOf, type RotateContext, type Rotation, replaceValue } from "./rotation.ts";

/**
 * A key of a model provider, which only the provider can make: the new one is given. `agents.athena.models.openai` is athena's own;
 * `models.openai` that of all agents without one.
 */
export function modelKeyRotation(path: string, context: RotateContext, newValue: () => Promise<string>): Rotation {
  const { team, secrets } = context;
  const [, owner, name] = /^(?:agents\.([^.]+)\.)?models\.(.+)$/.exec(path)!;
  const agents = team.machines
    .filter(({ agent }) => agent?.models.some(({ key, provider }) => (key ?? provider) === name))
    .map((machine) => machine.name)
    .filter((agent) => (owner === undefined ? secrets.get(agentKeyPath(agent, name!)) === undefined : agent === owner));
  return {
    name: path,
    users: agents.length === 0 ? ["nobody now"] : agents,
    overlap: "both work until you take the old one away at the provider",
    begun: () => oldValueOf(secrets, path) !== undefined,
    begin: async () => replaceValue(secrets, path, await newValue()),
    // The role waits until each agent is there again, which reads its keys before it says so.
    deliver: () => applyToAgents(agents, context),
    verify: () => Promise.resolve(),
    finish: () => forgetOld(secrets, path),
  };
}
