import type { Agent, Budget, Hypervisor, Limits, ModelChoice, ServiceVm, Team } from "./schema.ts";

/** A VM with every size and reference resolved. Sizes in MiB. */
export interface Machine {
  readonly name: string;
  readonly kind: "agent" | "service";
  readonly hypervisor: string;
  readonly address: string;
  readonly image: string;
  readonly memory: number;
  readonly vcpu: number;
  readonly root: number;
  readonly data: number;
  readonly generation: number;
  /** `52:54:00:…`, derived from team and machine name, so that it never changes. */
  readonly mac: string;
  /** Every role of this machine, those of its kind included, with the parameters from the team file; unordered. */
  readonly roles: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly agent: ResolvedAgent | undefined;
  readonly service: ServiceVm | undefined;
}

/** A team file that passed validation, with everything derived from it. */
export interface LoadedTeam {
  /** Absolute path of the team file. */
  readonly file: string;
  readonly name: string;
  readonly team: Team;
  readonly hypervisors: readonly NamedHypervisor[];
  /** In the order of the file: agents, then services. */
  readonly machines: readonly Machine[];
  /** Absolute path of the secrets file. */
  readonly secretsFile: string;
  /** Where a value stands, `team.yaml:31`, for messages about it; absent for a team that did not come from a file. */
  readonly where?: (path: readonly (string | number)[]) => string;
  /** The same with the column, `team.yaml:31:5`, and the line itself, for errors about it. */
  readonly show?: (path: readonly PropertyKey[], part: "key" | "value") => { where: string; excerpt: string };
}

export interface NamedHypervisor extends Hypervisor {
  readonly name: string;
}

/** An agent with the team's defaults filled in. */
export interface ResolvedAgent extends Agent {
  /** Ordered; at least one. */
  readonly models: ModelChoice[];
  readonly budget: Budget;
  readonly limits: Limits;
}
