import { OlympusError } from "../base/errors.ts";
import { removeDomain, removeVolume } from "../libvirt/domain.ts";
import type { Inventory } from "../libvirt/inventory.ts";
import { readReferences, referredTo } from "../libvirt/references.ts";
import type { SshConnection } from "../ssh/connection.ts";
import { isDisposable } from "./names.ts";
import type { StateResource } from "./state.ts";

export interface Leftovers {
  readonly domains: readonly string[];
  readonly volumes: readonly string[];
}

/** Pure: what of ours is there that the state does not know. Data disks are never among it. */
export function findLeftovers(team: string, inventory: Inventory, state: readonly StateResource[]): Leftovers {
  const ids = new Set(state.map((resource) => resource.id));
  const names = new Set(state.map((resource) => resource.name));
  return {
    domains: inventory.domains.filter((domain) => !ids.has(domain.uuid)).map((domain) => domain.name),
    volumes: inventory.volumes.filter((volume) => isDisposable(team, volume) && !names.has(volume)),
  };
}

/**
 * Removes what a killed or failed run left behind, so that the next create does not meet it; but no disk that a remaining domain refers to,
 * whatever the state knows. Each is told as it goes or stays. Gives the disks that stay, with what refers to them. Throws E-LIBVIRT.
 */
export async function removeLeftovers(
  connection: SshConnection,
  pool: string,
  leftovers: Leftovers,
  tell: (what: string) => Promise<void> | void,
): Promise<Map<string, string>> {
  for (const domain of leftovers.domains) {
    await tell(`removing ${domain}, left behind by a run that did not end`);
    await removeDomain(connection, domain);
  }
  if (leftovers.volumes.length === 0) return new Map();
  const kept = referredTo(leftovers.volumes, await readReferences(connection, pool));
  for (const volume of leftovers.volumes) {
    const user = kept.get(volume);
    if (user === undefined) {
      await tell(`removing ${volume}, left behind by a run that did not end`);
      await removeVolume(connection, pool, volume);
    } else await tell(`${volume} stays: the state does not know it, but ${user} uses it`);
  }
  return kept;
}

/** Throws E-DISK-IN-USE when one of the images that are about to be written is among the disks that stay: it would change beneath its users. */
export function refuseImagesInUse(
  hypervisor: string,
  images: readonly string[],
  kept: ReadonlyMap<string, string>,
): void {
  const image = images.find((name) => kept.has(name));
  if (image === undefined) return;
  throw new OlympusError(`the state has lost the image ${image}, and ${kept.get(image)} stands on it`, {
    code: "E-DISK-IN-USE",
    where: hypervisor,
    hint: `Nothing was written. Have the machines made anew; their data stays: npx olympus destroy ${hypervisor}, then npx olympus up ${hypervisor}`,
  });
}
