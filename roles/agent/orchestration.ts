import type { AgentConfigInput } from "../../src/harness/config.ts";
import { forgeLogin } from "../../src/team/forge.ts";
import type { LoadedTeam, Machine } from "../../src/team/model.ts";
import { operationsChannel } from "../../src/team/operations.ts";

/** What an agent with the duty orchestration is told; nothing for others. The first of them makes the team's rounds. */
export function renderOrchestration(team: LoadedTeam, { name }: Machine): Pick<AgentConfigInput, "orchestration"> {
  const planners = team.machines.filter(
    (machine) => machine.agent?.duties.includes("orchestration") && forgeLogin(team, machine) !== undefined,
  );
  if (!planners.some((machine) => machine.name === name)) return {};
  const { channel = operationsChannel(team.team), staleHours, summary } = team.team.orchestration;
  const first = planners[0]?.name === name && channel !== undefined;
  return { orchestration: first ? { rounds: { staleHours, summary, channel } } : {} };
}
