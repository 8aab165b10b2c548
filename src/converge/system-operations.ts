import type { Common } from "./operations.ts";

// Operations on what the system itself keeps in order: files that several own, systemd, the kernel, mounts, the firewall.

/**
 * Lines of ours in a text file that others own too, between two marks. Put at the end where there are none yet; the file is
 * made (0644 root) when absent.
 */
export interface BlockOperation extends Common {
  readonly kind: "block";
  readonly path: string;
  /** In the marks; one file may hold several. */
  readonly name: string;
  readonly content: string;
  /** How the file begins comments; `#` unless given. */
  readonly comment?: string;
}

/** Keys that may log in as a user. Others in the file stay, unless `only` says that these are all. The home directory must exist. */
export interface AuthorizedKeysOperation extends Common {
  readonly kind: "authorized-keys";
  readonly user: string;
  /** Lines of `.pub` files; options may stand before the key. */
  readonly keys: readonly string[];
  /** `/home/<user>` (`/root` for root) unless given. */
  readonly home?: string;
  readonly only?: true;
}

/** Settings of ours for a unit that comes from elsewhere. They hold from its next start: name it in `restarts`. */
export interface DropInOperation extends Common {
  readonly kind: "drop-in";
  /** With suffix: `postgresql.service`. */
  readonly unit: string;
  /** The file is /etc/systemd/system/<unit>.d/<name>.conf; `olympus` unless given. */
  readonly name?: string;
  readonly content: string;
}

/** A program that systemd starts by the clock: <name>.service with <name>.timer, which is enabled and runs. */
export interface TimerOperation extends Common {
  readonly kind: "timer";
  readonly name: string;
  /** As systemd.time(7) has it: `daily`, `*-*-* 03:15:00`. */
  readonly calendar: string;
  /** The command, as ExecStart= has it. */
  readonly run: string;
  /** Who runs it; root unless given. */
  readonly user?: string;
  /** Up to so many seconds later, the same on each day of a machine. */
  readonly delay?: number;
  /** Further lines of [Service]. */
  readonly service?: readonly string[];
}

/**
 * Settings of the kernel, now and at each start. A name that begins with `-` may be missing. What a container may not set is
 * written down only, as systemd does it.
 */
export interface SysctlOperation extends Common {
  readonly kind: "sysctl";
  /** The file is /etc/sysctl.d/99-zz-olympus-<name>.conf. */
  readonly name: string;
  readonly settings: Readonly<Record<string, string | number>>;
}

/** A line of /etc/fstab, mounted. The directory is made where it is missing; its owner and mode are those of what is mounted. */
export interface MountOperation extends Common {
  readonly kind: "mount";
  readonly path: string;
  /** `UUID=…`, a device, a folder (with the option `bind`), `tmpfs`. */
  readonly source: string;
  /** `ext4`, `tmpfs`, `none`. */
  readonly type: string;
  /** `defaults` and `nofail` unless given: a disk that is missing must not keep a machine from starting. */
  readonly options?: readonly string[];
}

/**
 * Lets something through the host's firewall. It takes effect where the role `firewall` is set up; elsewhere everything is
 * open, and the rule waits for that day. Nothing is closed by a rule: what none names is.
 */
export interface FirewallRuleOperation extends Common {
  readonly kind: "firewall-rule";
  /** Letters, digits and dashes; unique on the host. */
  readonly name: string;
  /** `in`: to this host and to published ports of its containers. `out`: from this host and from its containers. */
  readonly chain: "in" | "out";
  /** `tcp`, `udp`, `icmp`; everything unless given. */
  readonly protocol?: "tcp" | "udp" | "icmp";
  /** Of the end that answers. Only with tcp and udp. */
  readonly ports?: readonly number[];
  /** The other end: addresses and networks (IPv4); everybody unless given. */
  readonly peers?: readonly string[];
  /** But not these. */
  readonly except?: readonly string[];
}

export type SystemOperation =
  | BlockOperation
  | AuthorizedKeysOperation
  | DropInOperation
  | TimerOperation
  | SysctlOperation
  | MountOperation
  | FirewallRuleOperation;
