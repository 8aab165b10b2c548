import { Domain, type Provider, Volume } from "@pulumi/libvirt";
import { ComponentResource, type CustomResourceOptions, type ResourceHook } from "@pulumi/pulumi";
import type { MachineSpec } from "../src/machines/spec.ts";
import type { NamedHypervisor } from "../src/team/model.ts";

const mebibyte = 1024 * 1024;

export interface VmArgs {
  readonly spec: MachineSpec;
  readonly hypervisor: NamedHypervisor;
  readonly provider: Provider;
  readonly base: Volume;
  /** File of the seed image on this computer. */
  readonly seedFile: string;
  /** Text that marks the domain as ours. */
  readonly mark: string;
  readonly hooks: { readonly ready: ResourceHook; readonly shutDown: ResourceHook };
}

/**
 * One VM: a disposable root over the image, a seed named by its content, a data disk that outlives both, and the domain.
 * Volumes are never changed under their name: a new content is a new name, so the old one stays until the new one runs.
 */
export class Vm extends ComponentResource {
  readonly domain: Domain;

  constructor({ spec, hypervisor, provider, base, seedFile, mark, hooks }: VmArgs) {
    const { machine, names } = spec;
    super("olympus:machines:Vm", machine.name, {}, { provider });
    const { pool } = hypervisor;
    const options: CustomResourceOptions = { provider, parent: this };

    const root = new Volume(
      `${machine.name}-root-${spec.generation}`,
      { name: names.root, pool, baseVolumeId: base.id, format: "qcow2", size: machine.root * mebibyte },
      // A changed size counts from the next rebuild on: the root is never replaced for it.
      { ...options, ignoreChanges: ["size"] },
    );
    const seed = new Volume(
      `${machine.name}-seed-${spec.seed.hash}`,
      // Without the format every preview would replace it: libvirt recognises the ISO by its content.
      { name: names.seed, pool, source: seedFile, format: "iso" },
      { ...options, ignoreChanges: ["source"] },
    );
    const data = new Volume(
      `${machine.name}-data`,
      { name: names.data, pool, format: "qcow2", size: machine.data * mebibyte },
      // Made once. `up` finds one that is there and takes it as it is; `destroy` leaves it; growing is done by `olympus up`.
      { ...options, retainOnDelete: true, ignoreChanges: ["size"] },
    );

    const emulated = hypervisor.accel === "tcg";
    this.domain = new Domain(
      machine.name,
      {
        name: names.domain,
        description: mark,
        type: emulated ? "qemu" : "kvm",
        cpu: { mode: emulated ? "maximum" : "host-passthrough" },
        memory: machine.memory,
        vcpu: machine.vcpu,
        autostart: true,
        running: true,
        disks: [{ volumeId: root.id }, { volumeId: seed.id }, { volumeId: data.id }],
        networkInterfaces: [{ bridge: hypervisor.bridge, mac: machine.mac.toUpperCase() }],
        consoles: [{ type: "pty", targetType: "serial", targetPort: "0" }],
        // A screen for a person in need, reachable only through libvirt itself.
        graphics: { type: "vnc", listenType: "socket" },
        // Channel for the guest agent: orderly shutdown. The provider adds it, and a virtio random number source.
        qemuAgent: false,
      },
      {
        ...options,
        // The provider replaces what others redefine in place; name and MAC can be in use only once.
        deleteBeforeReplace: true,
        // A disk that is made in the same run has no path yet, and is then planned as an update, which leaves the old disk in the domain.
        replaceOnChanges: ["disks"],
        hooks: { afterCreate: [hooks.ready], beforeDelete: [hooks.shutDown] },
        customTimeouts: { create: "20m", delete: "10m" },
      },
    );
    this.registerOutputs();
  }
}
