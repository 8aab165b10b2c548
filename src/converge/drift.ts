import { type LocalRecord, tellsOf } from "./history.ts";

/** What was last known of a host's drift. */
export interface Drift {
  /** When it was looked for, ms since the epoch. */
  readonly at: number;
  /** Changes that a setup would make. */
  readonly pending: number;
}

/**
 * Drift of every host that somebody looked at, from the history of this computer (oldest first). Pure. A check of all roles says it for
 * the host, one of some roles for these alone; whatever changed the host afterwards makes what was found before it void.
 */
export function driftOf(records: readonly LocalRecord[]): Map<string, Drift> {
  const found = new Map<string, Map<string, Drift>>();
  for (const record of records) {
    const { what, at, hosts } = record;
    const [action, ...roles] = what.split(" ");
    for (const { host, state, pending } of hosts) {
      if (!tellsOf(record, state)) continue;
      const whole = action !== "check" || roles.length === 0;
      const known = (whole ? undefined : found.get(host)) ?? new Map<string, Drift>();
      found.set(host, known.set(roles.join(" "), { at: Date.parse(at), pending: state === "pending" ? pending : 0 }));
    }
  }
  return new Map(
    [...found].map(([host, known]) => {
      const all = [...known.values()];
      const pending = all.reduce((sum, one) => sum + one.pending, 0);
      return [host, { at: Math.max(...all.map(({ at }) => at)), pending }];
    }),
  );
}
