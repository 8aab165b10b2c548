import { log } from "@pulumi/pulumi";
import type { SecretStore } from "../secrets/store.ts";
import type { OlympusError } from "../src/base/errors.ts";
import { silentReporter } from "../src/base/report.ts";
import { applyRoles } from "../src/converge/run.ts";
import type { LoadedTeam } from "../src/team/model.ts";

/** What the rest of a deployment makes first: a bot's token comes from the chat. */
const comesLater = new Set(["E-SECRET-MISSING", "E-ROLE-REQUIRES"]);

/** Where it is told what is done. */
export interface Told {
  info(line: string): unknown;
  warn(line: string): unknown;
}

/**
 * Applies the roles of a stack's machines, once all of them are ready, where the team file asks for that (`policy.rolesWithMachines`).
 * Gives what failed. A role that waits for something that the rest of a deployment makes is told and left to it.
 */
export async function rolesWithMachines(
  team: LoadedTeam,
  secrets: SecretStore,
  machines: readonly string[],
  apply: typeof applyRoles = applyRoles,
  told: Told = log,
): Promise<OlympusError[]> {
  const withRoles = team.machines.filter(({ name, roles }) => machines.includes(name) && Object.keys(roles).length > 0);
  if (!team.team.policy.rolesWithMachines || withRoles.length === 0) return [];
  const { hosts } = await apply({
    team,
    secrets,
    action: "setup",
    hosts: withRoles.map(({ name }) => name),
    reporter: silentReporter(),
    signal: new AbortController().signal,
    progress(host, label, result) {
      if (result === undefined) void told.info(`[olympus] ${host}: ${label}`);
      else if (result.state === "changed") void told.info(`[olympus] ${host}: ${result.changed} changes by its roles`);
    },
  });
  const failures: OlympusError[] = [];
  for (const { host, error } of hosts) {
    if (error === undefined) continue;
    if (!comesLater.has(error.code)) failures.push(error);
    else await told.warn(`[olympus] ${host}: its roles are left to npx olympus deploy: ${error.message}`);
  }
  return failures;
}
