import type { Common, Ownership } from "./operations.ts";

// Operations that bring programs from elsewhere: the host itself fetches them, always by an exact version or hash.

/**
 * A file that the host downloads, or the folder that is in it. What does not have the pinned sha256 is deleted, asked for once
 * more, and then refused; nothing at `path` has been touched by then. Needs curl or wget; a `.zip` needs unzip, a `.tar.xz` xz-utils.
 */
export interface DownloadOperation extends Common, Ownership {
  readonly kind: "download";
  /** The file, or with `unpack` the folder; its path then contains the version, since a folder that is there is not looked into. */
  readonly path: string;
  readonly url: string;
  /** 64 hex digits, of what is downloaded. */
  readonly sha256: string;
  /** Unpacks a tar or zip (told by the URL's end); `strip` leaves out so many leading folders (a zip: 0 or 1). */
  readonly unpack?: { readonly strip: number };
}

/** A git repository checked out at a commit. What people changed in it is never thrown away: then this fails, and reset leaves it. */
export interface GitOperation extends Common {
  readonly kind: "git";
  readonly path: string;
  readonly url: string;
  /** 40 hex digits. */
  readonly commit: string;
  /** Whose the files are and who runs git; `root` unless given. */
  readonly owner?: string;
}

/** An npm package for everybody on the host. Needs npm. */
export interface NpmPackageOperation extends Common {
  readonly kind: "npm-package";
  readonly name: string;
  /** Exact: `2.1.0`. */
  readonly version: string;
  /** Its programs are in `bin` there; `/usr/local` unless given. */
  readonly prefix?: string;
  /** Which npm; `/usr/bin/npm` unless given. */
  readonly npm?: string;
  /** Address of the registry; the one that npm is set to unless given. */
  readonly registry?: string;
  /** Packages, by name, whose install scripts run, as root: this one or what comes with it. No other's do. */
  readonly scripts?: readonly string[];
}

/** A Python program in an environment of its own, for everybody on the host. Needs pipx. */
export interface PipxPackageOperation extends Common {
  readonly kind: "pipx-package";
  readonly name: string;
  /** Exact: `2.1.0`. */
  readonly version: string;
}

export type ProgramOperation = DownloadOperation | GitOperation | NpmPackageOperation | PipxPackageOperation;
