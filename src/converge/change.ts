import type { Secret } from "../base/secret.ts";
import type { FactRequest, Facts } from "./facts.ts";
import type { LocalFile, LocalFolder, Operation } from "./operations.ts";

/** Content that travels with an apply. In the change's script it is `"$F"/<name>`; a blob is `"$B"/<hash>`. */
export type Upload =
  | {
      readonly name: string;
      readonly content: string | Secret;
      /** The file that it becomes: room for it is looked for there. */
      readonly to?: string;
    }
  | {
      readonly blob: string;
      readonly source: LocalFile | LocalFolder;
      /** Where it will lie: room for it, unpacked, is looked for there. */
      readonly to: string;
      /** Bytes when unpacked, where known. */
      readonly unpacked?: number;
    };

/** A blob as it is sent. */
export type Blob = Omit<Extract<Upload, { readonly blob: string }>, "blob">;

/** What stood at a path before we touched it. */
export interface BeforePath {
  readonly type: "absent" | "file" | "directory" | "link";
  readonly mode?: string;
  readonly owner?: string;
  readonly group?: string;
  readonly sha256?: string;
  readonly target?: string;
  /** A secret: its content was kept only when it was not one of ours. */
  readonly secret?: true;
}

/** What the journal keeps of a change, as plain JSON: enough to undo it without the role, its parameters or secrets. */
export type Undo =
  | { readonly do: "path"; readonly path: string; readonly before: BeforePath; readonly tree?: true }
  | {
      readonly do: "line";
      readonly path: string;
      readonly line: string;
      readonly before?: string;
      readonly last?: string;
    }
  | {
      readonly do: "packages";
      readonly names: readonly string[];
      readonly list: string;
      readonly how: "purge" | "remove";
    }
  | { readonly do: "user"; readonly name: string; readonly home?: string }
  | { readonly do: "user-groups"; readonly name: string; readonly groups: readonly string[] }
  | {
      readonly do: "user-fields";
      readonly name: string;
      readonly home: string;
      readonly shell: string;
      /** Of the primary group, where that was changed. */
      readonly gid?: number;
    }
  | { readonly do: "group"; readonly name: string }
  | { readonly do: "unit"; readonly name: string; readonly enabled: string; readonly active: string }
  | { readonly do: "command"; readonly summary: string; readonly script: string }
  | { readonly do: "postgresql-role"; readonly name: string }
  | { readonly do: "postgresql-database"; readonly name: string };

/** One line of the journal on the host. */
export interface JournalEntry {
  readonly v: number;
  readonly role: string;
  readonly id: string;
  /** The run that wrote it; `""` for entries of format 1, which did not tell. */
  readonly run: string;
  /** What was touched, e.g. `path:/etc/motd`. The oldest entry for it says what stood before Olympus. */
  readonly resource: string;
  readonly undo: Undo;
  /** Units to restart after the undoing. */
  readonly restarts?: readonly string[];
  readonly data?: string;
  /** Stays until a reset, also when no longer wished. */
  readonly leave?: true;
  /** Undoing it changes who can get in. */
  readonly access?: true;
}

/** An entry before the engine has added whose it is. */
export interface UndoRecord {
  readonly resource: string;
  readonly undo: Undo;
  /** Undoing it takes nothing of the operation's data away: it does not wait for a purge. */
  readonly keepsData?: true;
}

/** What one operation would do to a host. */
export interface Change {
  /** For people: `/etc/motd: create`, without secrets. */
  readonly summary: string;
  /** Lines beginning with `-` and `+`, without secrets. */
  readonly diff?: readonly string[];
  /** POSIX sh, run as root with `set -eu` and the functions of prelude.ts. Holds no secret. */
  readonly script: string;
  readonly uploads?: readonly Upload[];
  /** Written to the journal, synced, before the script runs. */
  readonly records?: readonly UndoRecord[];
  /** Files whose content must be kept for reset; copied before the script runs. A `secret` only when it is not one of ours. */
  readonly saves?: readonly { readonly path: string; readonly sha256: string; readonly secret?: true }[];
  /** Hosts or URLs that the script asks, so that unknown names are told before anything changes; `apt`: its sources. */
  readonly reaches?: readonly string[];
  /** Units to restart beside those that the operation names. */
  readonly restarts?: readonly string[];
  /** Units that it starts: no restart owed from before is needed for them. */
  readonly starts?: readonly string[];
}

/** How one kind of operation works. Pure: facts and wish in, change out. */
export interface OperationKind<O extends Operation = Operation> {
  /** What must be known to plan it. */
  needs(operation: O): FactRequest[];
  /** Undefined when the host is as wished. Throws OlympusError E-ROLE-CONFLICT where it must not go on. */
  plan(operation: O, facts: Facts): Change | undefined;
  /** What the operation stands for, by the resource names of the journal: as long as one role claims a thing, no other role's reset takes it away. */
  claims(operation: O): string[];
}
