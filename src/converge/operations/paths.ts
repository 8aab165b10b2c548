import { exitCodes, OlympusError } from "../../base/errors.ts";
import type { BeforePath, UndoRecord } from "../change.ts";
import type { Facts, PathFact } from "../facts.ts";
import { quote } from "../quote.ts";

/** Mode, owner and group that an operation wishes. */
export interface Wish {
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
}

/** The journal's picture of what stands at a path now. Throws E-ROLE-CONFLICT for devices and sockets. */
export function beforePath(path: string, fact: PathFact | undefined): BeforePath {
  if (fact === undefined) return { type: "absent" };
  if (fact.type === "other") throw conflict(path, "something that is neither file, directory nor link");
  return {
    type: fact.type,
    mode: fact.mode,
    owner: fact.owner,
    group: fact.group,
    ...(fact.type === "file" && fact.sha256 !== undefined ? { sha256: fact.sha256 } : {}),
    ...(fact.target === undefined ? {} : { target: fact.target }),
  };
}

export function pathRecord(path: string, facts: Facts, secret: { readonly secret?: true } = {}): UndoRecord {
  const before = beforePath(path, facts.paths[path]);
  return {
    resource: `path:${path}`,
    undo: { do: "path", path, before: before.sha256 === undefined ? before : { ...before, ...secret } },
  };
}

/** For a file of which mode and owner alone are changed: its content is not saved, and stays as it is then. */
export function ownRecord(path: string, facts: Facts): UndoRecord {
  const { sha256: _, ...before } = beforePath(path, facts.paths[path]);
  return { resource: `own:${path}`, undo: { do: "path", path, before } };
}

/** For a file that others may write to as well, made by us: it goes when nothing is left in it. */
export function sharedFileRecord(path: string): UndoRecord {
  return {
    resource: `path:${path}`,
    undo: { do: "command", summary: `remove ${path}, unless others wrote to it`, script: `drop_empty ${quote(path)}` },
  };
}

/** Refuses to replace what is of another type: that is for a person to decide. */
export function conflict(path: string, is: string): OlympusError {
  return new OlympusError(`${path} is ${is}, which the role will not replace.`, {
    code: "E-ROLE-CONFLICT",
    exit: exitCodes.failed,
    where: path,
    hint: "Move it away, then run the same command again.",
  });
}

/** `mode 0644 -> 0600`, `owner root:root -> agent:agent`; empty when all is as wished. */
export function ownershipDiff(fact: PathFact, wish: Wish): string[] {
  const have = `${fact.owner}:${fact.group}`;
  const want = `${wish.owner}:${wish.group}`;
  return [
    ...(fact.mode === wish.mode ? [] : [`mode ${fact.mode} -> ${wish.mode}`]),
    ...(have === want ? [] : [`owner ${have} -> ${want}`]),
  ];
}
