import type { SecretStore } from "../../secrets/store.ts";
import { grantLine, scopes } from "../../src/base/grants.ts";
import { Secret } from "../../src/base/secret.ts";
import { chatUrl } from "../../src/bootstrap/url.ts";
import type { AgentConfigInput } from "../../src/harness/config.ts";
import { dashboardPort, givenTokenPath, publishedHosts } from "../../src/team/dashboard.ts";
import type { LoadedTeam, Machine } from "../../src/team/model.ts";
import { operationsChannel } from "../../src/team/operations.ts";
import { renderPersona } from "../../src/team/persona.ts";
import { renderDeploys } from "./deploys.ts";
import { renderForge } from "./forge.ts";
import { renderModels } from "./models.ts";
import { renderOrchestration } from "./orchestration.ts";
import { originsOf } from "./origins.ts";

export interface RenderedAgent {
  readonly config: AgentConfigInput;
  /** By the name that the configuration uses: what systemd hands to the harness as credentials. */
  readonly secrets: Readonly<Record<string, Secret>>;
}

/**
 * An agent's configuration from the team file and the ids that bootstrap pinned. Throws E-SECRET-MISSING when bootstrap or a key
 * is missing, E-AGENT-REHEARSAL when a model is to be played and no machine plays it.
 */
export function renderAgent(team: LoadedTeam, machine: Machine, secrets: SecretStore): RenderedAgent {
  const { name, agent } = machine;
  if (agent === undefined) throw new Error(`${name} is not an agent's machine`);
  const handed: Record<string, Secret> = {
    "mattermost-token": secrets.require(`mattermost.bots.${name}.token`),
    "dashboard-token": dashboardTokens(name, secrets),
  };
  const { models, secrets: keys } = renderModels(team, name, agent.models, secrets);
  Object.assign(handed, keys);
  const others = team.machines.filter((other) => other.agent !== undefined && other.name !== name);
  const operations = operationsChannel(team.team);
  const onForge = renderForge(team, machine, secrets);
  // Only who has an account on the forge looks after pull requests, and so after what is deployed from them.
  const toDeploy = onForge && renderDeploys(team, name, secrets);
  Object.assign(handed, onForge?.secrets, toDeploy?.secrets);
  const config: AgentConfigInput = {
    version: 1,
    agent: name,
    team: team.name,
    hypervisor: machine.hypervisor,
    persona: renderPersona(team, machine),
    facts: [...teamFacts(team), ...team.team.defaults.facts],
    chat: {
      url: chatUrl(team),
      tokenFile: "mattermost-token",
      botId: secrets.require(`mattermost.bots.${name}.id`).reveal(),
      people: Object.entries(team.team.people).flatMap(([person, { command, approve }]) => {
        const id = secrets.get(`mattermost.people.${person}.id`)?.reveal();
        return id === undefined ? [] : [{ id, name: person, command, approve: [...approve] }];
      }),
      agents: others.flatMap((other) => {
        const id = secrets.get(`mattermost.bots.${other.name}.id`)?.reveal();
        return id === undefined ? [] : [{ id, name: other.name }];
      }),
      ...(operations === undefined ? {} : { operations }),
    },
    models,
    budget: agent.budget,
    limits: agent.limits,
    origins: originsOf(team, machine),
    listen: {
      address: machine.address,
      port: dashboardPort,
      tokenFile: "dashboard-token",
      hosts: [`${name}.${team.team.network.domain}:${dashboardPort}`, ...publishedHosts(team, machine)],
    },
    dataDir: "/srv/olympus/agent",
    timezone: team.team.defaults.timezone,
    schedules: Object.entries(agent.schedules).map(([schedule, { timezone, ...wanted }]) => ({
      name: schedule,
      timezone: timezone ?? team.team.defaults.timezone,
      ...wanted,
    })),
    policy: {
      expireHours: team.team.policy.gates.hours,
      merge: team.team.policy.gates.merge,
      lenses: team.team.policy.reviews,
      deploys: toDeploy?.deploys ?? [],
      destructive: team.team.policy.gates.destructive,
      sensitive: Object.entries(team.team.policy.gates.sensitive).flatMap(
        ([read, { agents, about, file, command, approvers }]) =>
          agents.includes(name)
            ? [
                {
                  name: read,
                  about,
                  approvers,
                  ...(file === undefined ? { command: (command ?? "").split(" ") } : { file }),
                },
              ]
            : [],
      ),
    },
    ...(agent.quietHours === undefined ? {} : { quietHours: agent.quietHours }),
    ...(onForge === undefined ? {} : { forge: onForge.forge, ...renderOrchestration(team, machine) }),
  };
  return { config, secrets: handed };
}

/** What every agent of the team knows about it, one line each. */
export function teamFacts({ hypervisors, machines, team }: LoadedTeam): string[] {
  const on = (name: string) => machines.filter((machine) => machine.hypervisor === name).map((machine) => machine.name);
  return [
    ...hypervisors.map(({ name, address }) => {
      const carried = on(name);
      return `hypervisor ${name} at ${address}, carries ${carried.length === 0 ? "nothing" : carried.join(", ")}`;
    }),
    ...machines.map(({ name, address, agent, service }) =>
      agent === undefined
        ? `service machine ${name} at ${address}: ${service?.services.join(", ") ?? ""}`
        : `agent ${name} at ${address}: ${agent.duties.join(", ")}`,
    ),
    ...Object.entries(team.people).map(
      ([name, person]) =>
        `person @${name}${person.name === undefined ? "" : ` (${person.name})`}${person.command ? ", may give tasks" : ""}`,
    ),
  ];
}

/** What the dashboard knows its tokens by, a line each, not the tokens: its own, the old one while a rotation is under way, and those that `olympus tokens` gave. */
function dashboardTokens(agent: string, secrets: SecretStore): Secret {
  const token = secrets.require(`agents.${agent}.dashboard`);
  const old = secrets.get(`rotation.agents.${agent}.dashboard`);
  const own = [token, ...(old === undefined ? [] : [old])].map((one) => grantLine(one.reveal(), scopes));
  const given = secrets
    .paths()
    .filter((path) => path.startsWith(givenTokenPath(agent)))
    .map((path) => secrets.require(path).reveal());
  return new Secret(token.name, [...own, ...given].join("\n"));
}
