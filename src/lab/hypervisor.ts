import type { NamedHypervisor } from "../team/model.ts";
import { layout } from "./layout.ts";
import type { MachineSpec } from "./machine.ts";
import type { Roots } from "./root.ts";

const images = "var/lib/libvirt/images";

/** A lab hypervisor: a lab machine with libvirtd in it, its bridge and its pool, as an operator would have set them up. */
export function hypervisorSpec(
  hypervisor: NamedHypervisor,
  roots: Roots,
  authorizedKeys: readonly string[],
  domain: string,
): MachineSpec {
  const pool = `etc/libvirt/storage/${hypervisor.pool}.xml`;
  return {
    name: hypervisor.name,
    address: hypervisor.address,
    roots: roots.hypervisor,
    dir: layout.machine(hypervisor.name),
    user: hypervisor.user,
    groups: ["libvirt", "kvm"],
    authorizedKeys,
    domain,
    bridge: hypervisor.bridge,
    // What guests are promised, and room for QEMU's own translation caches and libvirt beside them.
    memory: hypervisor.memory + 2048,
    devices: [
      { node: "net/tun", rule: "c 10:200 rwm" },
      ...(hypervisor.accel === "kvm" ? [{ node: "kvm", rule: "c 10:232 rwm" }] : []),
    ],
    // Directly on the disk: copying volumes through an overlay would cost twice.
    disks: [images],
    files: {
      [pool]: [
        "<pool type='dir'>",
        `  <name>${hypervisor.pool}</name>`,
        `  <target><path>/${images}</path><permissions><mode>0711</mode><owner>0</owner><group>0</group></permissions></target>`,
        "</pool>",
        "",
      ].join("\n"),
      // The machine is the boundary here: it has no security module, and a mount namespace per guest would add nothing.
      "etc/libvirt/qemu.conf": 'security_driver = "none"\nnamespaces = []\n',
      // Stays up, as on a busy host: the default ends the daemon after two idle minutes.
      "etc/default/libvirtd": 'LIBVIRTD_ARGS=""\n',
      // An orderly stop shuts guests down; which of them start with the host is told by autostart alone.
      "etc/default/libvirt-guests":
        "ON_BOOT=ignore\nON_SHUTDOWN=shutdown\nSHUTDOWN_TIMEOUT=60\nPARALLEL_SHUTDOWN=8\nSYNC_TIME=0\n",
    },
    links: { [`etc/libvirt/storage/autostart/${hypervisor.pool}.xml`]: `/${pool}` },
  };
}
