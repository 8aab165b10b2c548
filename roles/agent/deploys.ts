import type { SecretStore } from "../../secrets/store.ts";
import { exitCodes, OlympusError } from "../../src/base/errors.ts";
import { Secret } from "../../src/base/secret.ts";
import type { AgentConfigInput } from "../../src/harness/config.ts";
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
  const hosts = listHosts(team);
  const keys = Object.fromEntries(
    doorsOf(team).map(({ name }) => {
      const key = doorKey(agent, name, secrets).private;
      // ssh wants the last line to end.
      return [`deploy-${name}`, new Secret(key.name, `${key.reveal().trimEnd()}\n`)];
    }),
  );
  const deploys = Object.entries(team.team.policy.gates.deploy).map(([name, deploy]): DeployInput => {
    const { repository, branch, kind, approvers, minutes, back } = deploy;
    const host = hosts.find((one) => one.name === deploy.host);
    if (host === undefined) throw new Error(`${deploy.host} is no host of the team`);
    const hostKey = host.machine === undefined ? host.hostKey : secrets.require(`hosts.${host.name}.public`).reveal();
    if (hostKey === undefined) {
      throw new OlympusError(`${host.name} has no pinned host key, so ${name} cannot be deployed there.`, {
        code: "E-ROLE-HOST",
        exit: exitCodes.usage,
        where: team.file,
        hint: `npx olympus pin ${host.name}`,
      });
    }
    return {
      name,
      repository,
      branch,
      kind,
      approvers: [...approvers],
      minutes,
      host: {
        name: host.name,
        address: host.address,
        port: host.port,
        user: deployUser,
        key: hostKey.split(" ").slice(0, 2).join(" "),
      },
      keyFile: `deploy-${name}`,
      ...(back === undefined ? {} : { backKeyFile: `deploy-${name}-back` }),
    };
  });
  return { deploys, secrets: keys };
}
