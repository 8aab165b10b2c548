import { randomBytes } from "node:crypto";
import { peopleOnForge, playedForge, webhookSecret } from "../src/team/forge.ts";
import type { LoadedTeam } from "../src/team/model.ts";
import { generatePassword, generateToken } from "./generate.ts";
import { generateSshKeyPair } from "./ssh-keys.ts";

/** Secrets that Olympus makes itself, always together: a value, or both halves of a key pair. */
export interface Generated {
  readonly paths: readonly string[];
  /** New values, in the order of `paths`. */
  make(): readonly string[];
}

/** Everything that a team needs and that can be generated, in the order in which the file holds it. */
export function generatedSecrets(team: LoadedTeam): Generated[] {
  return [
    keyPair("ssh.deploy", `deploy@${team.name}`),
    ...team.machines.map(({ name }) => keyPair(`hosts.${name}`, name)),
    { paths: ["postgresql.mattermost"], make: () => [generatePassword()] },
    { paths: ["mattermost.admin.password"], make: () => [generatePassword()] },
    ...Object.keys(team.team.agents).map((agent) => token(`agents.${agent}.dashboard`)),
    ...team.machines
      .filter(({ roles }) => "github" in roles)
      .map(({ name }) => keyPair(`agents.${name}.signing`, `${name}@${team.name}`)),
    ...forgeTokens(team),
    ...(team.team.forge.webhooks ? [token(webhookSecret)] : []),
    token("pulumi.passphrase"),
    { paths: ["team.hmac"], make: () => [randomBytes(32).toString("hex")] },
  ];
}

/** On a forge of the team's own nobody else makes them: for each agent one for work and one for reviews, for each person with an account one. */
function forgeTokens(team: LoadedTeam): Generated[] {
  if (playedForge(team) === undefined) return [];
  return [
    ...Object.keys(team.team.agents).flatMap((agent) => [
      token(`agents.${agent}.github`),
      token(`agents.${agent}.github-review`),
    ]),
    ...peopleOnForge(team).map(({ person }) => token(`people.${person}.github`)),
  ];
}

function token(path: string): Generated {
  return { paths: [path], make: () => [generateToken()] };
}

function keyPair(path: string, comment: string): Generated {
  return {
    paths: [`${path}.private`, `${path}.public`],
    make() {
      const pair = generateSshKeyPair(comment);
      return [pair.private, pair.public];
    },
  };
}
