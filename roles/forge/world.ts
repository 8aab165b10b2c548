import type { SecretStore } from "../../secrets/store.ts";
import { tokenHash, type World } from "../../src/rehearsal/forge/setup.ts";
import { forgeLogin, peopleOnForge, webhookUrls } from "../../src/team/forge.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { seed } from "./seed.ts";

type Token = NonNullable<World["tokens"]>[number];
type Permissions = Token["permissions"];

/** What an agent's work takes: no administration, so no agent changes what protects a branch. */
const work: Permissions = {
  contents: "write",
  issues: "write",
  pull_requests: "write",
  statuses: "write",
  checks: "read",
};
const review: Permissions = { ...work, contents: "read", issues: "read" };
const everything: Permissions = { ...work, checks: "write", administration: "write", webhooks: "write" };

/**
 * Who and what the forge begins with: an account for each agent and each person with a login, the team's repositories with a branch that
 * wants a person's approval, and the tokens by their hashes. Throws E-SECRET-MISSING for a token that was not made.
 */
export function worldOf(team: LoadedTeam, secrets: SecretStore): World {
  const repositories = Object.keys(team.team.repositories);
  const agents = team.machines.flatMap((machine) => {
    const login = forgeLogin(team, machine);
    return machine.agent === undefined || login === undefined ? [] : [{ name: machine.name, login }];
  });
  const people = peopleOnForge(team);
  const owners = [...new Set(repositories.map((name) => name.split("/")[0]!))];
  const known = [...agents, ...people].map(({ login }) => login.toLowerCase());
  const token = (path: string, user: string, permissions: Permissions): Token => ({
    sha256: tokenHash(secrets.require(path).reveal()),
    user,
    permissions,
    ...(permissions === everything ? {} : { repositories }),
  });
  return {
    hooks: webhookUrls(team),
    users: [
      ...owners
        .filter((owner) => !known.includes(owner.toLowerCase()))
        .map((login) => ({ login, type: "Organization" as const })),
      ...agents.map(({ login }) => ({ login })),
      ...people.map(({ person, login }) => ({ login, name: team.team.people[person]!.name ?? person })),
    ],
    tokens: [
      ...agents.flatMap(({ name, login }) => [
        token(`agents.${name}.github`, login, work),
        token(`agents.${name}.github-review`, login, review),
      ]),
      ...people.map(({ person, login }) => token(`people.${person}.github`, login, everything)),
    ],
    repositories: repositories.map((repository) => {
      const [owner, name] = repository.split("/") as [string, string];
      const others = [...agents.map(({ login }) => [login, "push"] as const), ...people.map(roleOf)];
      return {
        owner,
        name,
        description: "For rehearsals: its issues and changes are real, the forge is played.",
        files: { ...seed },
        collaborators: Object.fromEntries(others.filter(([login]) => login.toLowerCase() !== owner.toLowerCase())),
        protect: { reviews: 1 },
      };
    }),
  };

  function roleOf({
    person,
    login,
  }: {
    person: string;
    login: string;
  }): readonly [string, "admin" | "push" | "triage"] {
    const { admin, command } = team.team.people[person]!;
    return [login, admin ? "admin" : command ? "push" : "triage"];
  }
}
