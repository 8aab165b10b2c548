import type { RunRecord } from "./history.ts";

/** What an operation asks of a host. Requests of all roles are merged, and answered by one script in one round trip. */
export type FactRequest =
  | { readonly fact: "package"; readonly name: string }
  | {
      readonly fact: "path";
      readonly path: string;
      /** Also the content's sha256. */
      readonly hash?: boolean;
      /** Content is wanted (for a diff) when its sha256 is not this one; `""`: always. Never asked for secrets. */
      readonly contentUnless?: string;
    }
  | { readonly fact: "user"; readonly name: string }
  | { readonly fact: "group"; readonly name: string }
  | { readonly fact: "unit"; readonly name: string }
  /** Exit code of a read-only script, by a key that is unique for the host. */
  | { readonly fact: "command"; readonly key: string; readonly script: string }
  | { readonly fact: "postgresql"; readonly role?: string; readonly database?: string; readonly setting?: string }
  /** Whether a blob of an interrupted run is still there. */
  | { readonly fact: "blob"; readonly hash: string }
  /** Free bytes and inodes where `path` is or would be. */
  | { readonly fact: "space"; readonly path: string };

/** Bytes; longer content is not sent. The manifests of some npm packages have 150,000. */
export const contentLimit = 262_144;

export type PathType = "file" | "directory" | "link" | "other";

export interface PathFact {
  readonly type: PathType;
  /** Four octal digits. */
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  /** Bytes. */
  readonly size: number;
  /** Of a link. */
  readonly target?: string;
  readonly sha256?: string;
  /** Only where asked for and not over {@link contentLimit}. */
  readonly content?: string;
}

export interface UserFact {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

export interface GroupFact {
  readonly gid: number;
  readonly members: readonly string[];
}

/** As `systemctl show` says: `loaded`, `active`, `enabled`, ... */
export interface UnitFact {
  readonly load: string;
  readonly active: string;
  readonly enabled: string;
  /** Its files changed since systemd read them. */
  readonly stale: boolean;
}

/** What is known of a host. A name that is missing in a record is not there on the host. */
export interface Facts {
  readonly packages: Readonly<Record<string, string>>;
  /** Packages among them that are held at their version. */
  readonly held: readonly string[];
  readonly paths: Readonly<Record<string, PathFact>>;
  readonly users: Readonly<Record<string, UserFact>>;
  readonly groups: Readonly<Record<string, GroupFact>>;
  readonly units: Readonly<Record<string, UnitFact>>;
  readonly commands: Readonly<Record<string, number>>;
  /** Undefined while no server answers. Roles with their stored verifier, databases with their owner. */
  readonly postgresql:
    | {
        readonly roles: Readonly<Record<string, string>>;
        readonly databases: Readonly<Record<string, string>>;
        /** Those made by `alter system`, as they were written. */
        readonly settings?: Readonly<Record<string, string>>;
      }
    | undefined;
  readonly blobs: readonly string[];
  /** Free bytes by directory. */
  readonly space: Readonly<Record<string, number>>;
  /** Free inodes by directory; of file systems that make them as they are needed, nothing is known. */
  readonly inodes: Readonly<Record<string, number>>;
  /** The file system's number by directory; some network file systems have none. */
  readonly disks: Readonly<Record<string, string>>;
}

/** A host about which nothing is known, for tests and for hosts that are new. */
export const noFacts: Facts = {
  packages: {},
  held: [],
  paths: {},
  users: {},
  groups: {},
  units: {},
  commands: {},
  postgresql: undefined,
  blobs: [],
  space: {},
  inodes: {},
  disks: {},
};

/** State of Olympus itself on the host, read with the facts. */
export interface HostState {
  /** Raised by each apply: a plan made from older facts is refused. */
  readonly generation: string;
  /** Units whose restart an interrupted run still owes. */
  readonly pending: readonly string[];
  /** The run that holds the lock right now. */
  readonly lock: LockOwner | undefined;
  /** Format of what the host keeps for us: 0 when there is nothing, or when it does not tell. */
  readonly format: number;
  /** Hash of each asked role's claims. */
  readonly claims: Readonly<Record<string, string>>;
  /** Lines of the journal; only where asked for. */
  readonly journal: readonly string[];
  /** Lines of claims: of the roles asked for, with the journal of all. */
  readonly allClaims: readonly string[];
  /** Lines about runs, oldest first; only where asked for. */
  readonly history: readonly string[];
  /** The newest run, where it failed or was killed and nobody saw how it ended. */
  readonly untold?: RunRecord | undefined;
  /** What the machine's first boot came to; undefined where there is no cloud-init. */
  readonly cloud?: CloudState | undefined;
  /** Seconds since 1970. */
  readonly epoch: number;
}

export interface CloudState {
  /** `degraded`: with errors that cloud-init took lightly. */
  readonly state: "running" | "done" | "degraded" | "error";
  readonly errors: readonly string[];
}

export interface LockOwner {
  /** `kim@laptop` */
  readonly who: string;
  /** `role setup base` */
  readonly what: string;
  /** Seconds since 1970, by the host's clock. */
  readonly since: number;
  readonly run: string;
}

/** The directories from `path` up to the root, for asking where it would lie. */
export function ancestors(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "");
  return parts.map((_, at) => `/${parts.slice(0, parts.length - at).join("/")}`).concat("/");
}

/** What is known (free bytes, free inodes) of the file system that holds, or would hold, `path`, and the folder it is known by. */
export function knownAt<T>(known: Readonly<Record<string, T>>, path: string): { folder: string; free: T } | undefined {
  for (const folder of ancestors(path)) {
    const free = known[folder];
    if (free !== undefined) return { folder, free };
  }
  return undefined;
}
