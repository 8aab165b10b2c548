import type { Change, OperationKind } from "../change.ts";
import type { LineOperation } from "../operations.ts";
import { quote } from "../quote.ts";
import type { MountOperation } from "../system-operations.ts";
import { sha256 } from "./file.ts";
import { line } from "./line.ts";
import { pathRecord } from "./paths.ts";
import { together } from "./together.ts";

/** Blanks in a field of fstab. */
const field = (text: string): string => text.replaceAll(" ", "\\040");

function lineOf({ id, path, source, type, options = ["defaults", "nofail"] }: MountOperation): LineOperation {
  const at = field(path).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return {
    kind: "line",
    id,
    path: "/etc/fstab",
    line: [field(source), field(path), type, options.join(","), "0", "0"].join(" "),
    match: `^\\s*[^#\\s]\\S*\\s+${at}\\s`,
  };
}

const keyOf = ({ path, type }: MountOperation): string => sha256(`mount ${path} ${type}`).slice(0, 16);

export const mount: OperationKind<MountOperation> = {
  needs(operation) {
    const { path, type } = operation;
    const known = ["none", "auto"].includes(type)
      ? `mountpoint -q ${quote(path)}`
      : `[ "$(findmnt -fno FSTYPE --mountpoint ${quote(path)})" = ${quote(type)} ]`;
    return [
      ...line.needs(lineOf(operation)),
      { fact: "path", path },
      { fact: "command", key: keyOf(operation), script: known },
    ];
  },

  plan(operation, facts) {
    const { path } = operation;
    const written = line.plan(lineOf(operation), facts);
    const mounted = facts.commands[keyOf(operation)] === 0;
    if (written === undefined && mounted) return undefined;
    const old = written?.diff
      ?.find((text) => text.startsWith("-"))
      ?.slice(1)
      .trim()
      .split(/\s+/);
    const same = old?.[0] === field(operation.source) && old[2] === operation.type;
    const at = quote(path);
    const live: Change = {
      summary: path,
      script: !mounted ? `mount_now ${at}` : same ? `mount_again ${at}` : `mount_anew ${at}`,
      records: [
        ...(facts.paths[path] === undefined ? [pathRecord(path, facts)] : []),
        {
          resource: `mount:${path}`,
          undo: mounted
            ? { do: "command", summary: `${path}: mount as before`, script: `mount_again ${at}` }
            : { do: "command", summary: `${path}: unmount`, script: `unmount ${at}` },
        },
      ],
    };
    const what = !mounted ? "mount" : same ? "change options" : "mount another";
    // The journal has the mount first: it is undone last, when fstab is as it was.
    const change = together(`${path}: ${what}`, [{ ...live, script: ":" }, written, { ...live, records: [] }]);
    return change === undefined ? undefined : { ...change, script: change.script.replace(/^:\n/, "") };
  },

  claims: (operation) => [...line.claims(lineOf(operation)), `mount:${operation.path}`, `path:${operation.path}`],
};
