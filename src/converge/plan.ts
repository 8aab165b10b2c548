import { confirmStep, guardStep } from "./access.ts";
import type { Change, JournalEntry } from "./change.ts";
import type { FactRequest, Facts, HostState } from "./facts.ts";
import { type Claims, claimsOf } from "./journal.ts";
import { kindOf } from "./kinds.ts";
import { installedTogether } from "./operations/package.ts";
import type { Operation } from "./operations.ts";
import { journalVersion } from "./places.ts";

/** A role's wish for one host. */
export interface RoleWish {
  readonly role: string;
  readonly operations: readonly Operation[];
}

/** One thing to do, in order. */
export interface PlannedStep {
  readonly role: string;
  readonly id: string;
  readonly change: Change;
  /** Units to restart at the role's end. */
  readonly restarts: readonly string[];
  readonly data?: string;
  readonly leave?: true;
  /** Changes who can get in. */
  readonly access?: true;
  /** A guard begins here: these are taken back unless confirmed. */
  readonly guards?: readonly PlannedStep[];
  /** Restarts and waits follow from changes and are not counted as such. */
  readonly counted: boolean;
}

/** What would be done to a host, and nothing else. */
export interface HostPlan {
  readonly steps: readonly PlannedStep[];
  /** Claims of roles that the host does not hold yet; written without being counted. */
  readonly claims: readonly Claims[];
  /** Operations looked at. */
  readonly looked: number;
  /** Steps that count as changes. */
  readonly changes: number;
}

/** Everything that must be known to plan these wishes, each thing once. */
export function requestsOf(wishes: readonly RoleWish[]): FactRequest[] {
  const requests = new Map<string, FactRequest>();
  for (const { operations } of wishes) {
    for (const operation of operations) {
      for (const request of kindOf(operation).needs(operation)) requests.set(JSON.stringify(request), request);
    }
  }
  return [...requests.values()];
}

/** Pure: facts and wishes in, steps out. Throws OlympusError where an operation must not go on. */
export function planHost(wishes: readonly RoleWish[], facts: Facts, state: HostState): HostPlan {
  const steps: PlannedStep[] = [];
  let owed = state.pending;
  for (const wish of wishes) {
    steps.push(...planRole(wish, facts, owed, state.pending));
    owed = [];
  }
  return {
    steps,
    claims: wishedClaims(wishes).filter(
      ({ role, hash, claims }) =>
        state.claims[role] !== hash && (claims.length > 0 || state.claims[role] !== undefined),
    ),
    looked: wishes.reduce((sum, { operations }) => sum + operations.length, 0),
    changes: steps.filter(({ counted }) => counted).length,
  };
}

/** The same plan, with roles standing for what they did before and for what is wished now. */
export function claimsTogether(plan: HostPlan, before: readonly Claims[], now: readonly Claims[]): HostPlan {
  const both = now.map(({ role, claims }) =>
    claimsOf(role, [...claims, ...(before.find((one) => one.role === role)?.claims ?? [])]),
  );
  return {
    ...plan,
    claims: both.filter(
      ({ role, hash, claims }) => claims.length > 0 && before.find((one) => one.role === role)?.hash !== hash,
    ),
  };
}

/** What a step writes to the journal, in a run of this name. */
export function entriesOf(
  { change, role, id, restarts, data, leave, access }: PlannedStep,
  run: string,
): JournalEntry[] {
  return (change.records ?? []).map(({ resource, undo, keepsData }) => ({
    v: journalVersion,
    role,
    id,
    run,
    resource,
    undo,
    ...(restarts.length === 0 ? {} : { restarts }),
    ...(data === undefined || keepsData === true ? {} : { data }),
    ...(leave === undefined ? {} : { leave }),
    ...(access === undefined ? {} : { access }),
  }));
}

/** Nothing is left to be changed, but something to be waited for. */
export function onlyWaits({ steps }: HostPlan, wishes: readonly RoleWish[]): boolean {
  const waits = (role: string, id: string): boolean =>
    wishes.some((wish) => wish.role === role && wish.operations.some((one) => one.kind === "wait" && one.id === id));
  return steps.length > 0 && steps.every(({ role, id }) => waits(role, id));
}

/** What each role stands for by these wishes. */
export function wishedClaims(wishes: readonly RoleWish[]): Claims[] {
  return wishes.map(({ role, operations }) =>
    claimsOf(
      role,
      operations.flatMap((one) => kindOf(one).claims(one)),
    ),
  );
}

/** `owed` is restarted with this role's own; `restarted` is, with whichever role. */
function planRole(
  { role, operations }: RoleWish,
  facts: Facts,
  owed: readonly string[],
  restarted: readonly string[],
): PlannedStep[] {
  const planned = (operation: Operation, counted: boolean): PlannedStep[] => {
    const change = kindOf(operation).plan(operation, facts);
    if (change === undefined) return [];
    const restarts = [...new Set([...(operation.restarts ?? []), ...(change.restarts ?? [])])];
    const data = operation.data === undefined ? {} : { data: operation.data };
    const leave = operation.leave === undefined ? {} : { leave: operation.leave };
    const access = operation.access === undefined ? {} : { access: operation.access };
    return [{ role, id: operation.id, change, restarts, counted, ...data, ...leave, ...access }];
  };
  const made = installedTogether(operations.filter(({ kind }) => kind !== "wait"));
  const all = made.flatMap((operation) => planned(operation, true));
  const access = all.filter((step) => step.access === true);
  const others = all.filter((step) => step.access !== true);
  const steps = withRestarts(role, others, owed);
  if (access.length > 0) steps.push(guardStep(role, access), ...withRestarts(role, access, []), confirmStep(role));
  for (const operation of operations) {
    if (operation.kind !== "wait") continue;
    // After a restart what answers now may not answer for a while.
    const moves = steps.length > 0 || restarted.includes(operation.unit ?? "");
    const again = planned(operation, !moves);
    steps.push(...(again.length > 0 || !moves ? again : waitAnyway(role, operation, facts)));
  }
  return steps;
}

/** Changes, and the restarts that they and an interrupted run want, once. */
function withRestarts(role: string, steps: readonly PlannedStep[], owed: readonly string[]): PlannedStep[] {
  // What is started after the change has it already.
  const settled = (unit: string, at: number): boolean =>
    steps.some(({ change }, other) => other >= at && change.starts?.includes(unit) === true);
  const wanted = steps.flatMap((step, at) => step.restarts.filter((unit) => !settled(unit, at)));
  const restarts = [...new Set([...owed, ...wanted])];
  if (restarts.length === 0) return [...steps];
  const change = { summary: `restart ${restarts.join(", ")}`, script: "flush" };
  return [...steps, { role, id: "restarts", change, restarts: [], counted: steps.length === 0 }];
}

function waitAnyway(role: string, operation: Operation, facts: Facts): PlannedStep[] {
  const change = kindOf(operation).plan(operation, { ...facts, commands: {} });
  return change === undefined ? [] : [{ role, id: operation.id, change, restarts: [], counted: false }];
}
