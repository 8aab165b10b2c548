import type { Operation } from "../../src/converge/operations.ts";
import type { Bundle } from "../../src/harness/bundle.ts";

/** Where a program of ours lies on a host: a folder for each build, so that a running one is never written over. */
export function programFolder(name: string, { hash }: Pick<Bundle, "hash">): string {
  return `/opt/olympus/${name}/${hash}`;
}

/** Brings a program of ours to a host. */
export function programOperations(name: string, bundle: Bundle): Operation[] {
  const { folder, hash, bytes } = bundle;
  return [
    { kind: "directory", id: "opt", path: "/opt/olympus" },
    { kind: "directory", id: `opt-${name}`, path: `/opt/olympus/${name}` },
    {
      kind: "archive",
      id: name,
      path: programFolder(name, bundle),
      source: { localFolder: folder, hash },
      unpacked: bytes,
    },
  ];
}
