import { quote } from "../base/quote.ts";
import type { SshConnection } from "../ssh/connection.ts";
import { refused } from "./virsh.ts";

/** What a hypervisor's domains, whoever made them, and the volumes of one pool say of themselves in libvirt's XML. */
export interface References {
  /** Each domain as it runs and as it would start. */
  readonly domains: readonly string[];
  /** By the volume's name. */
  readonly volumes: ReadonlyMap<string, string>;
}

/** Asks for them in one round trip. Throws E-LIBVIRT: what is not known must not look like nothing. */
export async function readReferences(connection: SshConnection, pool: string): Promise<References> {
  const { code, stdout, stderr } = await connection.exec(referenceScript(pool), { timeoutMs: 120_000 });
  if (code !== 0) throw refused(connection, ["dumpxml"], stderr);
  return parseReferences(stdout);
}

/** Pure. What is gone a moment after it was listed refers to nothing; the last question tells that from a libvirt that went away. */
export function referenceScript(pool: string): string {
  return [
    "set -eu; export LC_ALL=C",
    `v() { virsh -q -c qemu:///system "$@"; }`,
    `listed=$(v vol-list ${quote(pool)})`,
    `printf '%s\\n' "$listed" | sed -n 's|^[^/]*/|/|p' | while IFS= read -r path; do`,
    `  xml=$(v vol-dumpxml "$path") || { ! v vol-info "$path" >/dev/null || exit 1; continue; }`,
    `  printf '\\036volume %s\\n%s\\n' "\${path##*/}" "$xml"`,
    "done",
    "ids=$(v list --all --uuid)",
    `for id in $ids; do for as in "" --inactive; do`,
    `  xml=$(v dumpxml "$id" $as) || { ! v domstate "$id" >/dev/null || exit 1; continue; }`,
    `  printf '\\036domain\\n%s\\n' "$xml"`,
    "done; done",
    "v list >/dev/null",
  ].join("\n");
}

/** Pure: the answer of `referenceScript`. */
export function parseReferences(text: string): References {
  const domains: string[] = [];
  const volumes = new Map<string, string>();
  for (const part of text.split("\u001e").slice(1)) {
    const end = part.indexOf("\n");
    const [first, xml] = [part.slice(0, end), part.slice(end + 1)];
    if (first.startsWith("volume ")) volumes.set(first.slice("volume ".length), xml);
    else domains.push(xml);
  }
  return { domains, volumes };
}

/**
 * Pure: those of `volumes` that something refers to which stays, a domain or another volume that stands on it, each with what that is.
 * A name anywhere in its XML counts: rather a disk too many that stays than one that is missed.
 */
export function referredTo(volumes: readonly string[], references: References): Map<string, string> {
  const going = new Set(volumes);
  const kept = new Map<string, string>();
  const staying = references.domains.map((xml): [string, string] => [
    `the domain ${/<name>([^<]*)<\/name>/.exec(xml)?.[1]}`,
    xml,
  ]);
  for (const [name, xml] of references.volumes) if (!going.has(name)) staying.push([`the disk ${name}`, xml]);
  for (const [who, xml] of staying) {
    for (const name of going) {
      if (!xml.includes(name)) continue;
      going.delete(name);
      kept.set(name, who);
      // What stays needs what it stands on.
      staying.push([`the disk ${name}`, references.volumes.get(name) ?? ""]);
    }
  }
  return kept;
}
