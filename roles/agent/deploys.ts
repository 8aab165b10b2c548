import type { SecretStore } from "../../secrets/store.ts";
import { exitCodes, OlympusError } from "../../src/base/errors.ts";
import { Secret } from "../../src/base/secret.ts";
import type { AgentConfigInput } from "../../src/harness/config.ts";
import type { Deploy } from "../../src/harness/policy/schema.ts";
import { listHosts } from "../../src/team/hosts.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { deployUser, doorKey, doorsOf } from "../deploy/keys.ts";

type DeployInput = NonNullable<NonNullable<AgentConfigInput["policy"]>["deploys"]>[number];

/** What an agent may have deployed, and its keys for that: each opens one command on one host. Throws E-SECRET-MISSING where a host has no key yet. */
export function renderDeploys(
  team: LoadedTeam,
  agent: string,
  secrets: SecretStore,
): { deploys: DeployInput[]; secrets: Readonly<Record<string, Secret>> } {
  const keys = Object.fromEntries(
    doorsOf(team).map(({ name }) => {
      const key = doorKey(agent, name, secrets).private;
      // ssh wants the last line to end.
      return [keyFile(name), new Secret(key.name, `${key.reveal().trimEnd()}\n`)];
    }),
  );
  const deploys = Object.entries(team.team.policy.gates.deploy).map(([name, deploy]): DeployInput => {
    const { repository, branch, kind, approvers, minutes, back } = deploy;
    return {
      name,
      repository,
      branch,
      kind,
      approvers: [...approvers],
      minutes,
      host: hostToCall(name, deploy.host, team, secrets),
      keyFile: keyFile(name),
      ...(back === undefined ? {} : { backKeyFile: keyFile(`${name}-back`) }),
    };
  });
  return { deploys, secrets: keys };
}

/** How an agent's file with the key for a door is called. */
export const keyFile = (door: string): string => `deploy-${door}`;

/** Where a deployment is called, with the key to expect there. Throws E-ROLE-HOST where none is pinned. */
export function hostToCall(deploy: string, name: string, team: LoadedTeam, secrets: SecretStore): Deploy["host"] {
  const host = listHosts(team).find((one) => one.name === name);
  if (host === undefined) throw new Error(`${name} is no host of the team`);
  const hostKey = host.machine === undefined ? host.hostKey : secrets.require(`hosts.${name}.public`).reveal();
  if (hostKey === undefined) {
    throw new OlympusError(`${name} has no pinned host key, so ${deploy} cannot be deployed there.`, {
      code: "E-ROLE-HOST",
      exit: exitCodes.usage,
      where: team.file,
      hint: `npx olympus pin ${name}`,
    });
  }
  const { address, port } = host;
  return { name, address, port, user: deployUser, key: hostKey.split(" ").slice(0, 2).join(" ") };
}
