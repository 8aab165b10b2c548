/** What is tried of this computer, of hypervisors and of machines, by the names for `--only`. */
// biome-ignore format: a line for each kind of host.
export const checkNames = [
  "disk", "team", "tools", "secrets", "tun",
  "ssh", "libvirt", "bridge", "pool", "accel",
  "cloud-init", "units", "data",
  "protection",
] as const;

/** One thing that doctor tried. */
export interface Check {
  /** What it concerns: `here`, or a host's name. */
  readonly host: string;
  /** Short stable name, for `--only`. */
  readonly name: (typeof checkNames)[number];
  readonly state: "ok" | "warn" | "fail";
  /** What was seen, as a fact. */
  readonly fact: string;
  /** A command or an edit that mends it; empty when nothing is to be done. */
  readonly fix: string;
}

/** A line for a person: `ok    r420 bridge: br0 is up`. */
export function checkLine({ host, name, state, fact, fix }: Check): string {
  const line = `${state.padEnd(5)} ${host} ${name}: ${fact}`;
  return fix === "" ? line : `${line}\n        do  ${fix}`;
}
