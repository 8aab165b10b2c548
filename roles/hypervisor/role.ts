import { z } from "zod";
import { exitCodes, OlympusError } from "../../src/base/errors.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { defineRole } from "../../src/converge/types.ts";
import { type BridgeNetwork, bridgeOperations, bridgeSchema } from "./bridge.ts";
import { poolScripts } from "./pool.ts";

const params = z.strictObject({
  /** Where the pool's volumes lie. */
  poolPath: z
    .string()
    .regex(/^\/[\w./-]+$/, "Write an absolute path.")
    .default("/var/lib/libvirt/images"),
  /** Logins that may use libvirt, beside the one of the team file; they must exist. */
  users: z.array(z.string().regex(/^[a-z_][a-z0-9_-]*$/)).default([]),
  /** Makes the bridge; the one that is there is used unless given. */
  bridge: bridgeSchema.optional(),
});

export interface HypervisorInputs {
  readonly user: string;
  readonly pool: string;
  readonly accel: "kvm" | "tcg";
  readonly network: BridgeNetwork;
}

/** What a libvirt host of the team needs: QEMU, libvirt, a pool, a bridge, and who may use them. */
export const role = defineRole<z.output<typeof params>, HypervisorInputs>({
  name: "hypervisor",
  summary: "libvirt, its pool and bridge, on a host that carries VMs",
  requires: [],
  params,
  data: { volumes: "the pool's folder, with the disks of all VMs" },

  inputs({ team, host }) {
    const hypervisor = team.hypervisors.find(({ name }) => name === host.name);
    if (hypervisor === undefined) {
      throw new OlympusError(`${host.name} is no hypervisor.`, {
        code: "E-ROLE-HOST",
        exit: exitCodes.usage,
        where: team.file,
        hint: "Give the role to one under `hypervisors`.",
      });
    }
    const { network } = team.team;
    return {
      user: host.user,
      pool: hypervisor.pool,
      accel: hypervisor.accel,
      network: {
        name: hypervisor.bridge,
        address: `${hypervisor.address}/${network.cidr.split("/")[1]}`,
        gateway: network.gateway,
        resolvers: network.resolvers,
      },
    };
  },

  setup({ user, pool, accel, network }, { poolPath, users, bridge }): Operation[] {
    return [
      // First: a host that is refused is left as it was.
      ...(accel === "kvm" ? [acceleration] : []),
      {
        kind: "package",
        id: "packages",
        names: ["libvirt-daemon-system", "libvirt-clients", "qemu-system-x86", "qemu-utils"],
        // Removed, not purged: a purge takes the definitions of VMs along.
        reset: "remove",
      },
      ...[...new Set([user, ...users])].map(
        (name): Operation => ({ kind: "user", id: `user-${name}`, name, groups: ["libvirt", "kvm"] }),
      ),
      ...overlayRule(poolPath),
      { kind: "unit", id: "libvirt", name: "libvirtd.service", enabled: true },
      { kind: "unit", id: "libvirt-socket", name: "libvirtd.socket", enabled: true, running: true },
      { kind: "directory", id: "volumes", path: poolPath, mode: "0711", data: "volumes" },
      {
        kind: "command",
        id: "pool",
        summary: `pool ${pool}: make, start, start with the host`,
        ...poolScripts(pool, poolPath),
      },
      ...(bridge === undefined ? [] : bridgeOperations(bridge, network)),
    ];
  },
});

/** The device file says that there is hardware for it; whether a guest boots under it, `olympus doctor` tries. */
const acceleration: Operation = {
  kind: "command",
  id: "accelerator",
  summary: "KVM",
  check: "[ -c /dev/kvm ]",
  apply: `modprobe kvm_intel 2>/dev/null || modprobe kvm_amd 2>/dev/null || : "built in, or none"
if [ ! -c /dev/kvm ]; then echo "there is no /dev/kvm: switch virtualization on in the firmware, or say  accel: tcg  in the team file"; exit 1; fi`,
};

/** libvirt gives each VM a profile with its own disk; the image that an overlay stands on is in none, and must be readable. */
function overlayRule(poolPath: string): Operation[] {
  const local = "/etc/apparmor.d/local";
  return [
    { kind: "directory", id: "apparmor", path: "/etc/apparmor.d" },
    { kind: "directory", id: "apparmor-local", path: local },
    { kind: "directory", id: "apparmor-abstractions", path: `${local}/abstractions` },
    {
      kind: "line",
      id: "apparmor-overlays",
      path: `${local}/abstractions/libvirt-qemu`,
      line: `${poolPath}/*.image.* rk,`,
    },
  ];
}
