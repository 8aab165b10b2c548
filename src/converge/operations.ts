import type { Secret } from "../base/secret.ts";
import type { ProgramOperation } from "./program-operations.ts";
import type { SystemOperation } from "./system-operations.ts";

/**
 * Operations: plain data that say how something on a host should be. None of them knows about networks or time.
 * `src/converge/operations/<kind>.ts` holds for each kind the facts it needs, its plan, and its undoing.
 */
export interface Common {
  /** Stable and unique within the role, e.g. `config`; in output it reads `mattermost/config`. */
  readonly id: string;
  /** Units (`mattermost.service`) to restart once, at the role's end, when this changed something. */
  readonly restarts?: readonly string[];
  /** What it makes is data of this name (see `Role.data`): `reset` keeps it unless that is purged. */
  readonly data?: string;
  /** Stays when the role no longer wishes it, until a reset: for releases that one may have to go back to. */
  readonly leave?: true;
  /**
   * Changes who can get in (sshd, firewall, network). Made after everything else of the role, and taken back by the host itself
   * unless a new connection comes through within 30 s.
   */
  readonly access?: true;
}

/** Mode as four octal digits (`"0640"`); user and group by name, `root` unless given. */
export interface Ownership {
  readonly mode?: string;
  readonly owner?: string;
  readonly group?: string;
}

/** Debian packages, present in any version. One `apt-get install` for those of operations that follow one another. */
export interface PackageOperation extends Common {
  readonly kind: "package";
  readonly names: readonly string[];
  /** Exact versions of some of them; apt keeps to these also when somebody upgrades everything. */
  readonly versions?: Readonly<Record<string, string>>;
  /** None of them is upgraded, removed or installed anew by others (`apt-mark hold`). */
  readonly hold?: true;
  /** `purge` (usual) or `remove`, which leaves configuration files and data that the package would delete. */
  readonly reset?: "purge" | "remove";
}

/** A file on this computer, by its hash: for content too large to hold as a string. */
export interface LocalFile {
  readonly localPath: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** A file with exactly this content, replaced by rename. A Secret never shows in plans, diffs, logs or the journal. Mode 0644 unless given, 0600 for secrets. */
export interface FileOperation extends Common, Ownership {
  readonly kind: "file";
  readonly path: string;
  readonly content: string | Secret | LocalFile;
  /** POSIX sh that sees the new content as the file `$1` before it goes live: when it fails, the old content stays. */
  readonly validate?: string;
}

/** A directory; parents must exist or be operations before it. Mode 0755 unless given. Reset removes it only when empty. */
export interface DirectoryOperation extends Common, Ownership {
  readonly kind: "directory";
  readonly path: string;
  /** Only with `data`: a purge deletes it with everything in it. Never for folders that others keep data in. */
  readonly tree?: true;
}

/** A symbolic link, switched atomically. */
export interface LinkOperation extends Common {
  readonly kind: "link";
  readonly path: string;
  readonly target: string;
}

/** One line in a text file that others own too. Made where missing; the file is created (0644 root) when absent. */
export interface LineOperation extends Common {
  readonly kind: "line";
  readonly path: string;
  readonly line: string;
  /**
   * JavaScript regular expression. Where the line is missing, the first one that matches is replaced; where none does, or without it,
   * the line is appended. A line that is there is enough, whatever else matches: other lines that match stay.
   */
  readonly match?: string;
  /** Where `path` is a link to this file, this one is meant; any other link is refused. */
  readonly linked?: string;
}

export interface GroupOperation extends Common {
  readonly kind: "group";
  readonly name: string;
  readonly system?: boolean;
}

/** A user. Only what is given is compared. Without `home` system users get none made. Passwords stay locked. */
export interface UserOperation extends Common {
  readonly kind: "user";
  readonly name: string;
  readonly system?: boolean;
  /** For owners of data that outlives the machine's root, so that a rebuilt root gives them the same number. Only for creation. */
  readonly uid?: number;
  /** Primary group; must exist. Unless given: a group of the same name, made with the user. */
  readonly group?: string;
  /** Supplementary groups the user must be in; others it has stay. */
  readonly groups?: readonly string[];
  readonly home?: string;
  readonly shell?: string;
  /** Makes the home directory, with /etc/skel. */
  readonly makeHome?: boolean;
}

/**
 * A systemd unit. With `content` its file is /etc/systemd/system/<name>, and a change of it restarts the unit at the
 * role's end; without, the unit comes from a package. `enabled` and `running` are compared only when given.
 */
export interface UnitOperation extends Common {
  readonly kind: "unit";
  /** With suffix: `olympus-agent.service`. */
  readonly name: string;
  readonly content?: string;
  readonly enabled?: boolean;
  readonly running?: boolean;
}

/**
 * For what no other kind does. `check` and `apply` are POSIX sh, run as root with `set -eu`. `check` must change nothing and be quick:
 * exit code 0 means "as wished". It runs with every gathering of facts, and once more after `apply`.
 */
export interface CommandOperation extends Common {
  readonly kind: "command";
  /** What it does, for the plan: "join the mattermost database". */
  readonly summary: string;
  readonly check: string;
  readonly apply: string;
  /** Run by reset; nothing unless given. Kept in the host's journal: no secrets in it. */
  readonly undo?: string;
  /** Given to `apply` on stdin. The only way for a secret into a command. */
  readonly stdin?: Secret | string;
}

/** A folder unpacked from a tar by content hash into a versioned directory (never changed in place): `/opt/olympus/harness/<hash>`. Owned by root. */
export interface ArchiveOperation extends Common {
  readonly kind: "archive";
  /** Must contain the version or hash: another content needs another path. */
  readonly path: string;
  /** Folder on this computer (made into a tar), or a ready `.tar`/`.tar.gz`. See `localFolder`. */
  readonly source: LocalFolder;
  /** Bytes when unpacked, for the look at free space; taken from the packed file unless given. */
  readonly unpacked?: number;
}

/** A local folder to ship, with its identity. */
export interface LocalFolder {
  readonly localFolder: string;
  /** Names what is in it: equal hash, equal content. A pinned sha256 or the bundle's own hash. */
  readonly hash: string;
  /** Paths in the folder to ship; everything unless given. */
  readonly only?: readonly string[];
}

/** A role of the local PostgreSQL server, able to log in. The password is compared with the stored SCRAM verifier. */
export interface PostgresqlRoleOperation extends Common {
  readonly kind: "postgresql-role";
  readonly name: string;
  readonly password?: Secret;
}

/** A database of the local PostgreSQL server. Always data: reset keeps it unless its `data` is purged. */
export interface PostgresqlDatabaseOperation extends Common {
  readonly kind: "postgresql-database";
  readonly name: string;
  readonly owner: string;
  readonly data: string;
}

/**
 * A setting of the local PostgreSQL server, by `alter system`; it takes effect at once. One that takes a restart needs
 * `restarts: ["postgresql.service"]`.
 */
export interface PostgresqlSettingOperation extends Common {
  readonly kind: "postgresql-setting";
  readonly name: string;
  /** As in postgresql.conf, without quotes: `128MB`; for settings that are lists, a list. */
  readonly value: string | readonly string[];
}

/** Waits, after the role's restarts, until a port or an address on the host answers. Checked on each run, waited for only when something is to be done. */
export interface WaitOperation extends Common {
  readonly kind: "wait";
  /** `tcp://127.0.0.1:5432`, or `http://127.0.0.1:8065/api/v4/system/ping`, which must answer 200; `https:` needs curl. */
  readonly url: string;
  /** PEM: only a server that shows this certificate, or one by it, answers; over `https:`, which else looks at nobody's. */
  readonly certificate?: string;
  /** Seconds; 60 unless given. */
  readonly timeout?: number;
  /** Unit whose log is shown when it does not answer in time. */
  readonly unit?: string;
}

export type Operation =
  | PackageOperation
  | FileOperation
  | DirectoryOperation
  | LinkOperation
  | LineOperation
  | GroupOperation
  | UserOperation
  | UnitOperation
  | CommandOperation
  | ArchiveOperation
  | PostgresqlRoleOperation
  | PostgresqlDatabaseOperation
  | PostgresqlSettingOperation
  | ProgramOperation
  | SystemOperation
  | WaitOperation;
