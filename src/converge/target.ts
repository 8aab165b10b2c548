import type { SecretStore } from "../../secrets/store.ts";
import { exitCodes, OlympusError } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import type { SshTarget } from "../ssh/connection.ts";
import type { Host } from "../team/hosts.ts";
import type { LoadedTeam } from "../team/model.ts";

/**
 * How to reach a host: its pinned key from the team file (hypervisors) or the secrets (VMs), the team's deploy key, and the jump
 * host of its hypervisor or of the network.
 * Throws E-SECRET-MISSING, or E-HOSTKEY-MISSING (exit 1) for a hypervisor that nobody pinned.
 */
export function targetOf(host: Host, team: LoadedTeam, secrets: SecretStore): SshTarget {
  const pin =
    host.machine === undefined
      ? { hostKey: host.hostKey, pinnedIn: team.where?.(["hypervisors", host.name, "hostKey"]) ?? team.file }
      : {
          hostKey: secrets.require(`hosts.${host.name}.public`).reveal(),
          pinnedIn: `hosts.${host.name}.public in ${team.secretsFile}`,
        };
  if (pin.hostKey === undefined) {
    throw new OlympusError(`${host.name} has no pinned host key.`, {
      code: "E-HOSTKEY-MISSING",
      exit: exitCodes.usage,
      where: pin.pinnedIn,
      hint: `npx olympus pin ${host.name}`,
    });
  }
  const privateKey = secrets.require("ssh.deploy.private");
  const via = jumpOf(host, team, privateKey);
  return {
    name: host.name,
    address: host.address,
    port: host.port,
    user: host.user,
    hostKey: pin.hostKey,
    pinnedIn: pin.pinnedIn,
    privateKey,
    ...(via === undefined ? {} : { via }),
  };
}

function jumpOf(host: Host, team: LoadedTeam, privateKey: Secret): SshTarget | undefined {
  const own = team.team.hypervisors[host.hypervisor]?.jump;
  const jump = own ?? team.team.network.jump;
  // The jump host may be one of the team's own.
  if (jump === undefined || (jump.address === host.address && jump.port === host.port)) return undefined;
  const path = own === undefined ? ["network", "jump", "hostKey"] : ["hypervisors", host.hypervisor, "jump", "hostKey"];
  return { ...jump, name: `the jump host ${jump.address}`, pinnedIn: team.where?.(path) ?? team.file, privateKey };
}
