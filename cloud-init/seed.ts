import { createHash } from "node:crypto";
import { stringify } from "yaml";
import { isoImage } from "./iso9660.ts";
import { type NetworkSpec, networkConfig } from "./network-config.ts";
import { type UserSpec, userData } from "./user-data.ts";

export interface SeedSpec extends UserSpec, NetworkSpec {}

/** A machine's first-boot disk. */
export interface Seed {
  /** 12 hex digits of the content's hash: the disk's name, cloud-init's instance id, and what the probe expects. */
  readonly hash: string;
  /** ISO 9660 image labelled `cidata`. Holds the host's private key: 0600 wherever it is written. */
  readonly image: Buffer;
}

/**
 * Renders the seed of one machine. Pure: the same machine, keys and network give the same bytes, so an unchanged
 * seed keeps its name, and a changed one gets a new instance id, on which cloud-init runs again.
 */
export function renderSeed(spec: SeedSpec): Seed {
  const network = yaml(networkConfig(spec));
  const hash = createHash("sha256")
    .update(yaml(userData(spec, "")))
    .update(network)
    .digest("hex")
    .slice(0, 12);
  const image = isoImage("cidata", hash, [
    file("meta-data", yaml({ "instance-id": `olympus-${hash}`, "local-hostname": spec.machine })),
    file("network-config", network),
    file("user-data", `#cloud-config\n${yaml(userData(spec, hash))}`),
  ]);
  return { hash, image };
}

function yaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}

function file(name: string, content: string): { name: string; content: Uint8Array } {
  return { name, content: Buffer.from(content, "utf8") };
}
