import { exitCodes, OlympusError } from "../base/errors.ts";
import { type FoundDomain, type Inventory, readInventory } from "../libvirt/inventory.ts";
import type { SshConnection } from "../ssh/connection.ts";
import type { NamedHypervisor } from "../team/model.ts";
import { ownerIn, teamPrefix } from "./names.ts";

export interface PreflightOptions {
  readonly connection: SshConnection;
  readonly team: string;
  readonly hypervisor: NamedHypervisor;
  /** Who made the state that is worked on: `stateOwner`. */
  readonly owner: string;
}

/**
 * Looks at a hypervisor before the provider is asked for anything: pool and bridge are there, and nothing under our
 * names belongs to somebody else. Changes nothing. Throws E-POOL, E-BRIDGE, E-FOREIGN.
 */
export async function preflight({ connection, team, hypervisor, owner }: PreflightOptions): Promise<Inventory> {
  const { name, pool, bridge } = hypervisor;
  const inventory = await readInventory(connection, { pool, bridge, prefix: teamPrefix(team) });
  if (inventory.pool !== true) {
    throw new OlympusError(
      inventory.pool === undefined
        ? `${name} has no storage pool "${pool}"`
        : `the storage pool "${pool}" of ${name} is not active`,
      {
        code: "E-POOL",
        exit: exitCodes.failed,
        where: name,
        hint:
          inventory.pool === undefined
            ? `On ${name}: virsh pool-define-as ${pool} dir --target /var/lib/libvirt/images && virsh pool-start ${pool} && virsh pool-autostart ${pool}\nor name another pool under hypervisors.${name}.pool`
            : `On ${name}: virsh pool-start ${pool}`,
      },
    );
  }
  if (!inventory.bridge) {
    throw new OlympusError(`${name} has no bridge "${bridge}"`, {
      code: "E-BRIDGE",
      where: name,
      hint: `Make one with a port into the team's network, or name another under hypervisors.${name}.bridge`,
    });
  }
  refuseForeign(name, inventory.domains, owner);
  return inventory;
}

/** Throws E-FOREIGN when one of the domains, all of which have names of ours, was not made by this state. */
export function refuseForeign(hypervisor: string, domains: readonly FoundDomain[], owner: string): void {
  const foreign = domains.find((domain) => ownerIn(domain.description) !== owner);
  if (foreign !== undefined) throw foreignError(hypervisor, foreign);
}

function foreignError(hypervisor: string, domain: FoundDomain): OlympusError {
  const other = ownerIn(domain.description);
  return new OlympusError(
    other === undefined
      ? `${hypervisor} has a domain "${domain.name}" that Olympus did not make`
      : `"${domain.name}" on ${hypervisor} was made from another state (${other}), on another computer or in another folder`,
    {
      code: "E-FOREIGN",
      where: hypervisor,
      hint:
        other === undefined
          ? `Rename it there: virsh domrename ${domain.name} …`
          : "Work from there, share one backend (OLYMPUS_PULUMI_BACKEND), or destroy it there first. Nothing was touched.",
    },
  );
}
