import type { OlympusError } from "../base/errors.ts";

/** `pending`: a check or an unconfirmed run found changes. `left`: not begun, because too many others had failed. */
export type HostState = "as-wished" | "changed" | "pending" | "left" | "failed";

export interface PlannedLine {
  readonly role: string;
  readonly summary: string;
  readonly diff: readonly string[];
}

/** The run that a rollback undoes, as the host remembers it. */
export interface UndoneRun {
  readonly what: string;
  readonly who: string;
  /** Seconds since 1970, by the host's clock. */
  readonly since: number;
  readonly secondsAgo: number;
}

export interface HostResult {
  readonly host: string;
  state: HostState;
  /** What was, or would be, done. */
  readonly lines: readonly PlannedLine[];
  /** Operations looked at. */
  readonly looked: number;
  /** Changes made; 0 for a check. */
  changed: number;
  /** What a reset left, and why. */
  kept: readonly string[];
  /** Roles that a reset was to undo, and that are not set up there. */
  readonly absent?: readonly string[];
  /** Of a rollback. */
  readonly undoneRun?: UndoneRun | undefined;
  error?: OlympusError;
  ms: number;
}

export interface RoleRunResult {
  /** Changes made, all hosts together. */
  readonly changed: number;
  /** In the order of the team file. */
  readonly hosts: readonly HostResult[];
  readonly errors: readonly OlympusError[];
}

export function resultOf(
  host: string,
  lines: readonly PlannedLine[],
  looked: number,
  kept: readonly string[],
  begun: number,
): HostResult {
  const state = lines.length === 0 ? "as-wished" : "pending";
  return { host, state, lines, looked, changed: 0, kept, ms: Date.now() - begun };
}
