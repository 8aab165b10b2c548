import type { SecretStore } from "../../secrets/store.ts";
import { Secret } from "../../src/base/secret.ts";
import type { AgentConfigInput } from "../../src/harness/config.ts";
import { forgeApi, forgeLogin, webhookPort, webhookSecret } from "../../src/team/forge.ts";
import type { LoadedTeam, Machine } from "../../src/team/model.ts";

/** What agents sign with what they write on the forge; beside it, while it is rotated, the one that comes and the one that goes. */
export const teamKeyPath = "team.hmac";
export const nextTeamKey = `rotation.${teamKeyPath}.next.key`;
export const oldTeamKey = `rotation.${teamKeyPath}.old.key`;
/** Given to nobody any more, and taken still by who was not set up since. */
export const endedTeamKey = `rotation.${teamKeyPath}.ended.key`;
/** The agents' name for it. */
export const teamKeyFile = "team-key";

type ForgeInput = NonNullable<AgentConfigInput["forge"]>;

/** What an agent with an account has of the forge; undefined where the team has no repositories or the agent no account. */
export function renderForge(
  team: LoadedTeam,
  machine: Machine,
  secrets: SecretStore,
): { forge: ForgeInput; secrets: Readonly<Record<string, Secret>> } | undefined {
  const { name, agent, roles } = machine;
  const login = forgeLogin(team, machine);
  const repositories = Object.entries(team.team.repositories);
  if (agent === undefined || login === undefined || repositories.length === 0) return undefined;
  const reviewToken = secrets.get(`agents.${name}.github-review`);
  const identity = (value: unknown, otherwise: string): string => (typeof value === "string" ? value : otherwise);
  const { every, leaseHours, webhooks } = team.team.forge;
  const forge: ForgeInput = {
    api: forgeApi(team),
    every,
    leaseHours,
    login,
    tokenFile: "forge-token",
    keyFile: teamKeyFile,
    ...(reviewToken === undefined ? {} : { reviewTokenFile: "forge-review-token" }),
    ...(webhooks ? { webhook: { address: machine.address, port: webhookPort, secretFile: "forge-webhook" } } : {}),
    name: identity(roles.github?.name, name),
    email: identity(roles.github?.email, agent.email),
    lenses: [...agent.lenses],
    people: Object.entries(team.team.people).flatMap(([person, { github, command, approve }]) =>
      github === undefined ? [] : [{ login: github, name: person, command, approve: [...approve] }],
    ),
    agents: team.machines.flatMap((other) => {
      const theirs = forgeLogin(team, other);
      if (other.name === name || other.agent === undefined || theirs === undefined) return [];
      const works = repositories.flatMap(([repository, { agents }]) => (takes(other, agents) ? [repository] : []));
      return [{ login: theirs, name: other.name, lenses: [...other.agent.lenses], works }];
    }),
    repositories: repositories.map(([repository, { agents, label, checks }]) => ({
      name: repository,
      work: takes(machine, agents),
      label,
      checks: [...checks],
    })),
  };
  return {
    forge,
    secrets: {
      "forge-token": secrets.require(`agents.${name}.github`),
      [teamKeyFile]: teamKeys(secrets),
      ...(reviewToken === undefined ? {} : { "forge-review-token": reviewToken }),
      ...(webhooks ? { "forge-webhook": webhookSecrets(secrets) } : {}),
    },
  };
}

/** What marks may be signed with, a line each; the first signs. */
export function teamKeys(secrets: SecretStore): Secret {
  const others = [nextTeamKey, oldTeamKey].flatMap((path) => secrets.get(path) ?? []);
  return new Secret(teamKeyPath, linesOf([secrets.require(teamKeyPath), ...others]));
}

/** What webhooks may be signed with, a line each: the secret, and the old one while a rotation is under way. */
function webhookSecrets(secrets: SecretStore): Secret {
  const secret = secrets.require(webhookSecret);
  const old = secrets.get(`rotation.${webhookSecret}`);
  return new Secret(secret.name, linesOf([secret, ...(old === undefined ? [] : [old])]));
}

/** A line each. Somebody may have set a value with a line's end: an empty line would be a key that everybody knows. */
function linesOf(values: readonly Secret[]): string {
  return values.map((one) => one.reveal().trim()).join("\n");
}

/** Whether an agent takes up a repository's issues: those that it names, else whoever develops. */
function takes({ name, agent }: Machine, named: readonly string[] | undefined): boolean {
  return named?.includes(name) ?? agent?.duties.includes("development") ?? false;
}
