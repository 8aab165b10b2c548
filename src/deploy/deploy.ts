import type { SecretStore } from "../../secrets/store.ts";
import { type OlympusError, OlympusErrors } from "../base/errors.ts";
import { type Reporter, withStep } from "../base/report.ts";
import { bootstrap } from "../bootstrap/index.ts";
import { applyRoles } from "../converge/run.ts";
import { bringUp } from "../machines/up.ts";
import { listHosts } from "../team/hosts.ts";
import type { LoadedTeam } from "../team/model.ts";
import { waitUntilReady } from "./probe.ts";

export interface DeployOptions {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  /** Machines to deploy; all of the team unless given. */
  readonly hosts?: readonly string[];
  /** Accounts and bots of the chat to take although bootstrap did not make them. */
  readonly adopt?: readonly string[];
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** Turns a step's name into its label, such as "5/8 machines". */
  readonly label?: (name: string) => string;
}

export interface DeployResult {
  /** Resources, operations and chat settings that were changed; 0 when everything was as wished. */
  readonly changed: number;
  /** One-time passwords of people whose accounts were made now. Shown once and kept nowhere. */
  readonly passwords: readonly { readonly person: string; readonly password: string }[];
}

/**
 * Machines, roles, chat, agents, probe, in this order; each does nothing where all is as wished.
 * A host that cannot be reached does not keep the others from being worked on; it is named in the OlympusErrors thrown at the end.
 */
export async function deploy(options: DeployOptions): Promise<DeployResult> {
  const { team, secrets, reporter, signal, label = (name) => name } = options;
  const wanted = (name: string): boolean => options.hosts === undefined || options.hosts.includes(name);
  const machines = team.machines.filter(({ name }) => wanted(name));
  const errors: OlympusError[] = [];
  /** Hosts that a step failed on; later steps leave them out. */
  const left = new Set<string>();
  let changed = 0;

  const up = await withStep(reporter, label("machines"), async (step) => {
    const value = await bringUp({
      team,
      secrets,
      hypervisors: [...new Set(machines.map((machine) => machine.hypervisor))],
      reporter,
      step,
      signal,
    });
    return {
      value,
      summary: upSummary(
        value.changed,
        machines.map(({ name }) => name),
      ),
    };
  });
  changed += up.changed;
  errors.push(...up.errors);
  const reachable = new Set(machines.filter(({ name }) => !up.failed.includes(name)).map(({ name }) => name));
  const hosts = listHosts(team).filter(({ name }) => reachable.has(name));

  const services = hosts.filter(({ kind }) => kind === "service").map(({ name }) => name);
  const agents = hosts.filter(({ kind }) => kind === "agent").map(({ name }) => name);

  changed += await runRoles("roles", [
    { hosts: services, roles: undefined },
    { hosts: agents, roles: ["base", "node"] },
  ]);

  const chat = await withStep(reporter, label("chat"), async () => {
    const value = await bootstrap({ team, secrets, adopt: options.adopt ?? [], reporter, signal });
    return { value, summary: value.changed === 0 ? "as it was" : `${value.changed} changes` };
  });
  changed += chat.changed;

  changed += await runRoles("agents", [{ hosts: agents, roles: undefined }]);

  const standing = agents.filter((name) => !left.has(name));
  await withStep(reporter, label("probe"), async (step) => {
    await waitUntilReady({ team, agents: standing, step, signal });
    return { value: undefined, summary: `ready: ${standing.join(", ")}` };
  });

  if (errors.length > 0) throw new OlympusErrors("some hosts were left out", errors);
  return { changed, passwords: chat.passwords };

  /** Applies roles to groups of hosts side by side. A failed service ends the deployment: agents cannot do without; a failed agent does not. */
  async function runRoles(name: string, groups: { hosts: string[]; roles: string[] | undefined }[]): Promise<number> {
    return withStep(reporter, label(name), async (step) => {
      const results = await Promise.all(
        groups
          .map(({ hosts, roles }) => ({ hosts: hosts.filter((host) => !left.has(host)), roles }))
          .filter((group) => group.hosts.length > 0)
          .map((group) => applyRoles({ team, secrets, action: "setup", ...group, reporter, step, signal })),
      );
      const failed = results.flatMap((result) => result.hosts).filter(({ state }) => state === "failed");
      errors.push(...results.flatMap((result) => result.errors));
      for (const { host } of failed) left.add(host);
      if (failed.some(({ host }) => services.includes(host))) {
        throw new OlympusErrors(`${failed.map(({ host }) => host).join(", ")} could not be set up`, errors);
      }
      const value = results.reduce((sum, result) => sum + result.changed, 0);
      const tail = failed.length === 0 ? "" : `, ${failed.map(({ host }) => host).join(", ")} failed`;
      return { value, summary: `${value === 0 ? "as they were" : `${value} changes`}${tail}` };
    });
  }
}

function upSummary(changed: number, names: readonly string[]): string {
  return changed === 0 ? "as they were" : `${names.join(", ")} (${changed} changes)`;
}
