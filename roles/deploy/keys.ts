import { generateSshKeyPair } from "../../secrets/ssh-keys.ts";
import type { SecretStore } from "../../secrets/store.ts";
import type { Secret } from "../../src/base/secret.ts";
import { forgeLogin } from "../../src/team/forge.ts";
import type { LoadedTeam, Machine } from "../../src/team/model.ts";

/** One command that one key may run: what a deployment does, or its way back where that is another. */
export interface Door {
  /** `shop`, `shop-back`; also the name of the key's file at an agent. */
  readonly name: string;
  readonly deploy: string;
  readonly command: string;
}

/** The login that keys for deployments lead to. */
export const deployUser = "olympus-deploy";

/** What the team file has deployed on a host, or everywhere. */
export function doorsOf({ team }: Pick<LoadedTeam, "team">, host?: string): Door[] {
  return Object.entries(team.policy.gates.deploy)
    .filter(([, deploy]) => host === undefined || deploy.host === host)
    .flatMap(([deploy, { command, back }]) => [
      { name: deploy, deploy, command },
      ...(back === undefined ? [] : [{ name: `${deploy}-back`, deploy, command: back }]),
    ]);
}

/** Agents with keys for deployments: whose harness works on the forge, since what is deployed was merged there. */
export function callersOf(team: LoadedTeam): string[] {
  const calls = (machine: Machine): boolean => "agent" in machine.roles && forgeLogin(team, machine) !== undefined;
  return team.machines.filter(calls).map(({ name }) => name);
}

/** The key of an agent for one door; made when it is missing, in the file with the next save. */
export function doorKey(agent: string, door: string, secrets: SecretStore): { private: Secret; public: string } {
  const path = `agents.${agent}.deploy.${door}`;
  if (secrets.get(`${path}.private`) === undefined) {
    const pair = generateSshKeyPair(`${agent}@${door}`);
    secrets.set(`${path}.private`, pair.private);
    secrets.set(`${path}.public`, pair.public);
  }
  return { private: secrets.require(`${path}.private`), public: secrets.require(`${path}.public`).reveal() };
}

/** Public halves that open a door for an agent: its key's own, and that of the one before while a rotation is under way. */
export function acceptedDoorKeys(agent: string, door: string, secrets: SecretStore): string[] {
  const before = secrets.get(`rotation.agents.${agent}.deploy.${door}.public`)?.reveal();
  return [doorKey(agent, door, secrets).public, ...(before === undefined ? [] : [before])];
}
