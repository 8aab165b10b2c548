import { Provider, Volume } from "@pulumi/libvirt";
import { libvirtUri, type PrivateFiles } from "../src/machines/private-files.ts";
import type { BaseSpec } from "../src/machines/spec.ts";
import type { SshTarget } from "../src/ssh/connection.ts";

/** The provider of one hypervisor: over SSH, with our key and the pinned host key. */
export function hypervisorProvider(target: SshTarget, files: PrivateFiles): Provider {
  return new Provider(target.name, { uri: libvirtUri(target, files) });
}

/** Images that VMs of this hypervisor stand on, uploaded once each and named by what they are. */
export function baseVolumes(bases: readonly BaseSpec[], pool: string, provider: Provider): Map<string, Volume> {
  const volumes = new Map<string, Volume>();
  for (const base of bases) {
    if (volumes.has(base.volume)) continue;
    const volume = new Volume(
      `${base.image}-${base.identity}`,
      { name: base.volume, pool, source: base.file, format: "qcow2" },
      // Where the file lies differs between computers; the name says what is in it.
      { provider, ignoreChanges: ["source"] },
    );
    volumes.set(base.volume, volume);
  }
  return volumes;
}
