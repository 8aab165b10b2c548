/** One thing that doctor tried. */
export interface Check {
  /** What it concerns: `here`, or a host's name. */
  readonly host: string;
  /** Short stable name, for `--only`. */
  readonly name: string;
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
