import { dirname, resolve } from "node:path";
import { macOf } from "./mac.ts";
import type { LoadedTeam, Machine, ResolvedAgent } from "./model.ts";
import { mergeRoles, rolesOfAgent, rolesOfKind } from "./roles.ts";
import type { Agent, ServiceVm, Team } from "./schema.ts";

/** Everything that follows from a valid team file. Expects references to hold: see checks.ts. */
export function resolveTeam(file: string, team: Team): LoadedTeam {
  return {
    file,
    name: team.name,
    team,
    hypervisors: Object.entries(team.hypervisors).map(([name, hypervisor]) => ({ name, ...hypervisor })),
    machines: [
      ...Object.entries(team.agents).map(([name, agent]) => agentMachine(team, name, agent)),
      ...Object.entries(team.services).map(([name, service]) => serviceMachine(team, name, service)),
    ],
    secretsFile: resolve(dirname(file), team.secrets),
  };
}

function agentMachine(team: Team, name: string, agent: Agent): Machine {
  const resolved: ResolvedAgent = {
    ...agent,
    models: agent.models ?? team.defaults.models,
    budget: agent.budget ?? team.defaults.budget,
    limits: { ...team.defaults.limits, ...agent.limits },
    quietHours: agent.quietHours ?? team.defaults.quietHours,
  };
  return {
    ...common(team, name, agent),
    kind: "agent",
    roles: rolesOfAgent(agent.runtime, team.defaults.machineRoles, team.defaults.roles, agent.roles),
    agent: resolved,
    service: undefined,
  };
}

function serviceMachine(team: Team, name: string, service: ServiceVm): Machine {
  return {
    ...common(team, name, service),
    kind: "service",
    roles: mergeRoles(
      [...rolesOfKind("service", service.services), ...team.defaults.machineRoles],
      team.defaults.roles,
      service.roles,
    ),
    agent: undefined,
    service,
  };
}

/** MiB and vCPUs of a machine: its own figures, else its template's. Undefined where neither says. */
export function sizeOf(
  team: Pick<Team, "templates">,
  machine: {
    readonly template?: string | undefined;
    readonly memory?: number | undefined;
    readonly vcpu?: number | undefined;
    readonly root?: number | undefined;
    readonly data?: number | undefined;
  },
): { memory: number | undefined; vcpu: number | undefined; root: number | undefined; data: number | undefined } {
  const template = machine.template === undefined ? undefined : team.templates[machine.template];
  return {
    memory: machine.memory ?? template?.memory,
    vcpu: machine.vcpu ?? template?.vcpu,
    root: machine.root ?? template?.root,
    data: machine.data ?? template?.data,
  };
}

function common(team: Team, name: string, machine: Agent | ServiceVm) {
  const size = sizeOf(team, machine);
  return {
    name,
    hypervisor: machine.on,
    address: machine.address,
    image: machine.image ?? team.defaults.image,
    memory: size.memory ?? 0,
    vcpu: size.vcpu ?? 0,
    root: size.root ?? 0,
    data: size.data ?? 0,
    generation: machine.generation,
    mac: macOf(team.name, name),
  };
}
