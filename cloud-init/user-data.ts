import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Secret } from "../src/base/secret.ts";

/** What the first SSH connection needs, and nothing more: the rest is the roles' business. */
export interface UserSpec {
  readonly team: string;
  readonly machine: string;
  readonly domain: string;
  /** Ed25519 host key, made once and kept among the secrets. */
  readonly hostKey: { readonly private: Secret; readonly public: string };
  /** Public key that roles and people's commands log in with. */
  readonly deployKey: string;
  /** Whole APT lines; empty leaves the image's own. */
  readonly packages: readonly string[];
  /** Name of the root disk's generation, for the readiness probe. */
  readonly generation: string;
}

const dataDisk = readFileSync(new URL("./data-disk.sh", import.meta.url), "utf8");

/** Where a machine says what it was made from; the readiness probe reads it. */
export const machineFile = "/etc/olympus/machine.json";

/** Holds the seed that was applied whole. The image's seed check reads it too. */
const appliedFile = "/var/lib/olympus/seed-applied";

/** cloud-init's user-data as an object. `seed` is the hash that `machineFile` shall hold. */
export function userData(spec: UserSpec, seed: string): Record<string, unknown> {
  const sources = "/etc/apt/sources.list.d/olympus.list";
  return {
    hostname: spec.machine,
    fqdn: `${spec.machine}.${spec.domain}`,
    manage_etc_hosts: "localhost",
    locale: "C.UTF-8",
    apt: { preserve_sources_list: true },
    disable_root: true,
    ssh_pwauth: false,
    ssh_deletekeys: true,
    ssh_genkeytypes: ["ed25519"],
    ssh_keys: {
      ed25519_private: spec.hostKey.private.reveal(),
      ed25519_public: spec.hostKey.public,
    },
    users: [
      {
        name: "agent",
        gecos: "Olympus",
        shell: "/bin/bash",
        lock_passwd: true,
        sudo: "ALL=(ALL) NOPASSWD:ALL",
        ssh_authorized_keys: [spec.deployKey],
      },
    ],
    write_files: [
      {
        path: machineFile,
        permissions: "0644",
        content: `${JSON.stringify({ team: spec.team, machine: spec.machine, generation: spec.generation, seed })}\n`,
      },
      ...(spec.packages.length === 0 ? [] : [{ path: sources, content: `${spec.packages.join("\n")}\n` }]),
    ],
    // A first boot that was cut off left marks of what it had begun, by which cloud-init would leave that out for ever: begin again.
    bootcmd: [`grep -qsx '${seed}' ${appliedFile} || rm -f /var/lib/cloud/instance/sem/config_*`],
    runcmd: [
      ...(spec.packages.length === 0
        ? []
        : [`find /etc/apt/sources.list /etc/apt/sources.list.d -type f ! -path ${sources} -delete`]),
      ["sh", "-c", dataDisk],
      // The image's seed check skips cloud-init at later boots, as long as the seed is this one.
      `mkdir -p ${dirname(appliedFile)} && sync && echo ${seed} > ${appliedFile}`,
    ],
  };
}
