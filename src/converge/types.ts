import type { z } from "zod";
import type { SecretStore } from "../../secrets/store.ts";
import type { Reporter } from "../base/report.ts";
import type { Host } from "../team/hosts.ts";
import type { LoadedTeam } from "../team/model.ts";
import type { Operation } from "./operations.ts";

/** Another role that must be set up first: on this very host, or on whichever hosts of the team have it. */
export interface Requirement {
  readonly role: string;
  /** `host`: the same machine must carry it. `team`: some machine of the team must, and those are set up before. */
  readonly on: "host" | "team";
}

/** What a role may look at while it gathers its inputs. */
export interface RoleContext {
  readonly team: LoadedTeam;
  readonly host: Host;
  /** All hosts of the team. */
  readonly hosts: readonly Host[];
  readonly secrets: SecretStore;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

/**
 * A unit of configuration, as data. `P` are the parameters from the team file, `I` what `setup` is made from.
 * A role is a file `roles/<name>/role.ts` that exports it as `role`, made by `defineRole`.
 */
export interface Role<P = unknown, I = unknown> {
  readonly name: string;
  /** One line for `role list`. */
  readonly summary: string;
  readonly requires: readonly Requirement[];
  /** Roles that cannot stand beside it: what they made on a host goes once this one stands there, their data stays. */
  readonly replaces?: readonly string[];
  /** Strict object with defaults: `z.strictObject({ maxConnections: z.int().default(50) })`. */
  readonly params: z.ZodType<P>;
  /** Kinds of data that reset keeps unless they are purged by name; operations point at them with `data`. */
  readonly data?: Readonly<Record<string, string>>;
  /**
   * Everything that needs waiting, reading or secrets: addresses of other hosts, ids, a built bundle's folder and hash.
   * Throws OlympusError when something is missing (a secret, a tool), before any host is asked.
   */
  inputs(context: RoleContext, params: P): Promise<I> | I;
  /**
   * Pure: the state the host should have, in the order in which it is to be made. Must give equal operations for
   * equal inputs: no clock, no randomness, no reading.
   */
  setup(inputs: I, params: P): Operation[];
}

/** Ties the types of parameters and inputs together. Whoever loads roles by name knows neither, and has a `Role`. */
export function defineRole<P, I>(role: Role<P, I>): Role<P, I> {
  return role;
}
