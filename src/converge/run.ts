import { hostname, userInfo } from "node:os";
import type { SecretStore } from "../../secrets/store.ts";
import { exitCodes, messageOf, OlympusError } from "../base/errors.ts";
import type { Reporter, Step } from "../base/report.ts";
import { maskSecrets } from "../base/secret.ts";
import { connectSsh } from "../ssh/connect.ts";
import type { SshConnection, SshTarget } from "../ssh/connection.ts";
import { createQueue } from "../ssh/queue.ts";
import { type Host, listHosts } from "../team/hosts.ts";
import type { LoadedTeam } from "../team/model.ts";
import { type Catalogue, projectCatalogue } from "./catalogue.ts";
import { createHostRun, type PreparedReset, type PreparedSetup } from "./host-run.ts";
import { restate } from "./restate.ts";
import { targetOf } from "./target.ts";
import type { Role } from "./types.ts";
import { describeUndo } from "./undo.ts";
import { orderRoles, wavesOf, wishesOf } from "./wishes.ts";

export interface ApplyRolesOptions {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  readonly action: "setup" | "check" | "reset";
  /** All of each host's roles unless given. */
  readonly roles?: readonly string[] | undefined;
  readonly hosts: readonly string[];
  readonly reporter: Reporter;
  /** Shows what is being done right now. */
  readonly step?: Step;
  readonly signal: AbortSignal;
  /** Hosts at the same time; 16 unless given. */
  readonly parallel?: number;
  /** Leaves the remaining hosts alone once one has failed. */
  readonly stopOnFailure?: boolean;
  /** Kinds of data that a reset deletes too. */
  readonly purge?: readonly string[];
  /** Asked once with everything planned, before anything is changed; false ends without a change. */
  readonly confirm?: (planned: readonly HostResult[]) => Promise<boolean>;
  readonly who?: string;
  readonly catalogue?: Catalogue;
  readonly connect?: (target: SshTarget, signal: AbortSignal) => Promise<SshConnection>;
}

export interface PlannedLine {
  readonly role: string;
  readonly summary: string;
  readonly diff: readonly string[];
}

export interface HostResult {
  readonly host: string;
  /** `pending`: a check or an unconfirmed run found changes. */
  state: "as-wished" | "changed" | "pending" | "failed";
  /** What was, or would be, done. */
  readonly lines: readonly PlannedLine[];
  /** Operations looked at. */
  readonly looked: number;
  /** Changes made; 0 for a check. */
  changed: number;
  /** What a reset left, and why. */
  kept: readonly string[];
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

type Prepared = { kind: "setup"; one: PreparedSetup } | { kind: "reset"; one: PreparedReset };

interface Work {
  readonly host: Host;
  readonly roles: readonly Role[];
  readonly result: HostResult;
  readonly prepared: Prepared | undefined;
}

/**
 * Sets up, checks or resets roles on hosts, side by side. Never rejects because of a host: each host's outcome,
 * error included, is in the result. Rejects for wrong words (unknown role, a host that does not have it) and for the signal.
 */
export async function applyRoles(options: ApplyRolesOptions): Promise<RoleRunResult> {
  const { team, secrets, action, reporter, signal, catalogue = projectCatalogue() } = options;
  const all = listHosts(team);
  const hosts = all.filter(({ name }) => options.hosts.includes(name));
  const what = `role ${action} ${options.roles?.join(" ") ?? "all"}`;
  const rolesByHost = new Map<string, Role[]>();
  for (const host of hosts) {
    const roles = action === "reset" ? ownRoles(host) : orderRoles(host, all, options.roles, catalogue);
    rolesByHost.set(host.name, await roles);
  }
  if (action === "reset") for (const name of options.roles ?? []) await catalogue.load(name);

  const limit = createQueue(options.parallel ?? 16);
  /** Ends every connection, also those of hosts that had been looked at when another one's look was interrupted. */
  const closers: (() => void)[] = [];
  let works: readonly Work[] = [];
  try {
    works = await Promise.all(hosts.map((host) => limit(() => prepare(host))));
    const planned = works.map(({ result }) => result);
    const go = action !== "check" && planned.some(({ state }) => state === "pending");
    if (go && (options.confirm === undefined || (await options.confirm(planned)))) await performAll(works);
  } finally {
    for (const close of closers) close();
  }
  signal.throwIfAborted();
  const results = works.map(({ result }) => result);
  return {
    changed: results.reduce((sum, { changed }) => sum + changed, 0),
    hosts: results,
    errors: results.flatMap(({ error }) => (error === undefined ? [] : [error])),
  };

  /** For a reset: what the team file still knows of the host's roles; it orders hosts, nothing else. */
  async function ownRoles(host: Host): Promise<Role[]> {
    const names = catalogue.names().filter((name) => name in host.roles && (options.roles?.includes(name) ?? true));
    return Promise.all(names.map((name) => catalogue.load(name)));
  }

  function show(host: string, label: string): void {
    options.step?.update(`${host}: ${label}`);
    reporter.event({ type: "role-step", host, label });
  }

  async function prepare(host: Host): Promise<Work> {
    const begun = Date.now();
    const roles = rolesByHost.get(host.name)!;
    try {
      signal.throwIfAborted();
      const wishes =
        action === "reset" ? [] : await wishesOf(roles, { team, host, hosts: all, secrets, reporter, signal });
      const target = targetOf(host, team, secrets);
      const connect = options.connect ?? connectSsh;
      const run = createHostRun({
        host: host.name,
        connect: () => connect(target, signal),
        who: options.who ?? operator(),
        what,
        signal,
        onStep: (label) => show(host.name, label),
      });
      closers.push(() => run.close());
      show(host.name, "looking");
      if (action === "reset") {
        const one = await run.prepareReset(options.roles, options.purge ?? []);
        await checkDependents(host.name, one.present, options.roles, catalogue);
        const lines = one.plan.undo.map((entry) => ({ role: entry.role, summary: describeUndo(entry), diff: [] }));
        const kept = one.plan.keep.map((entry) => `${entry.role}: ${describeKept(entry.resource)} (${entry.data})`);
        const result = resultOf(host.name, lines, lines.length, kept, begun);
        // Nothing to undo: the role only gives up what it stood for.
        if (lines.length === 0) await one.perform();
        return { host, roles, result, prepared: { kind: "reset", one } };
      }
      const one = await run.prepareSetup(wishes);
      const lines = one.plan.steps
        .filter(({ counted, id }) => counted || id === "restarts")
        .map(({ role, change }) => ({ role, summary: change.summary, diff: change.diff ?? [] }));
      const result = resultOf(host.name, lines, one.plan.looked, [], begun);
      // Claims are written without being counted: nothing on the host changes by them.
      if (one.plan.changes === 0 && one.plan.claims.length > 0 && action === "setup") await one.perform();
      return { host, roles, result, prepared: { kind: "setup", one } };
    } catch (error) {
      signal.throwIfAborted();
      const result = resultOf(host.name, [], 0, [], begun);
      result.state = "failed";
      result.error = explain(host.name, error);
      return { host, roles, result, prepared: undefined };
    }
  }

  async function performAll(todo: readonly Work[]): Promise<void> {
    const waves = wavesOf(new Map(todo.map(({ host, roles }) => [host.name, roles])));
    for (const wave of action === "reset" ? waves.reverse() : waves) {
      await Promise.all(todo.filter(({ host }) => wave.includes(host.name)).map((work) => limit(() => perform(work))));
    }
  }

  async function perform({ host, result, prepared }: Work): Promise<void> {
    if (result.state !== "pending" || prepared === undefined || signal.aborted) return;
    if (options.stopOnFailure === true && works.some((one) => one.result.state === "failed")) return;
    const begun = Date.now();
    try {
      const kept = await prepared.one.perform();
      result.kept = [...result.kept, ...kept];
      result.state = "changed";
      result.changed = prepared.kind === "setup" ? prepared.one.plan.changes : prepared.one.plan.undo.length;
    } catch (error) {
      if (signal.aborted) return;
      result.state = "failed";
      result.error = explain(host.name, error);
    }
    result.ms += Date.now() - begun;
    reporter.event({ type: "role-host", host: host.name, state: result.state, changed: result.changed });
  }

  /** Any error as one of ours, named after its host and with every known secret masked: output of commands may be in it. */
  function explain(host: string, error: unknown): OlympusError {
    const known = secrets.all();
    if (error instanceof OlympusError) {
      // The place is shown before the message: once is enough.
      const message = error.where === host ? error.message.replace(new RegExp(`^${host}: `), "") : error.message;
      return restate(error, maskSecrets(message, known));
    }
    return new OlympusError(maskSecrets(`${host}: ${messageOf(error)}`, known), {
      code: "E-BUG",
      exit: exitCodes.failed,
      where: host,
      cause: error,
    });
  }
}

function resultOf(
  host: string,
  lines: readonly PlannedLine[],
  looked: number,
  kept: readonly string[],
  begun: number,
): HostResult {
  const state = lines.length === 0 ? "as-wished" : "pending";
  return { host, state, lines, looked, changed: 0, kept, ms: Date.now() - begun };
}

function describeKept(resource: string): string {
  return resource.replace(/^path:/, "").replace(/^postgresql-database:/, "database ");
}

/** A role that another role set up there still needs is not reset without it. */
async function checkDependents(
  host: string,
  present: readonly string[],
  roles: readonly string[] | undefined,
  catalogue: Catalogue,
): Promise<void> {
  for (const name of present) {
    if (roles === undefined || roles.includes(name) || !catalogue.names().includes(name)) continue;
    const { requires } = await catalogue.load(name);
    const needed = requires.find(({ role, on }) => on === "host" && roles.includes(role));
    if (needed === undefined) continue;
    throw new OlympusError(`The role ${name} is set up there and needs ${needed.role}.`, {
      code: "E-ROLE-REQUIRES",
      exit: exitCodes.usage,
      where: host,
      hint: `Reset both: npm run role -- reset ${name} ${needed.role} --host ${host}`,
    });
  }
}

/** `kim@laptop`, as others see it when they find the host locked. */
function operator(): string {
  return `${userInfo().username}@${hostname()}`;
}
