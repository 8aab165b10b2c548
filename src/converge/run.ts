import type { SecretStore } from "../../secrets/store.ts";
import { exitCodes, messageOf, OlympusError } from "../base/errors.ts";
import type { Reporter, Step } from "../base/report.ts";
import { maskSecrets } from "../base/secret.ts";
import { connectSsh } from "../ssh/connect.ts";
import type { SshConnection, SshTarget } from "../ssh/connection.ts";
import { createQueue } from "../ssh/queue.ts";
import { type Host, listHosts } from "../team/hosts.ts";
import type { LoadedTeam } from "../team/model.ts";
import { waitForBoot } from "./boot.ts";
import { type Catalogue, projectCatalogue } from "./catalogue.ts";
import type { JournalEntry } from "./change.ts";
import { checkDependents } from "./dependents.ts";
import { filterWishes, mustMeanSomething } from "./filter.ts";
import { operator } from "./history.ts";
import { createHostRun } from "./host-run.ts";
import type { RoleWish } from "./plan.ts";
import { restate } from "./restate.ts";
import { type HostResult, type PlannedLine, type RoleRunResult, resultOf } from "./result.ts";
import { targetOf } from "./target.ts";
import type { Role } from "./types.ts";
import { describeUndo } from "./undo.ts";
import { orderRoles, wavesOf, wishesOf } from "./wishes.ts";

export type { HostResult, RoleRunResult } from "./result.ts";

export interface ApplyRolesOptions {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  /** `rollback` undoes what the newest run in each host's journal changed. */
  readonly action: "setup" | "check" | "reset" | "rollback";
  /** All of each host's roles unless given. */
  readonly roles?: readonly string[] | undefined;
  readonly hosts: readonly string[];
  readonly reporter: Reporter;
  /** Shows what is being done right now. */
  readonly step?: Step;
  readonly signal: AbortSignal;
  /** Hosts at the same time; 16 unless given. */
  readonly parallel?: number;
  /** Hosts that may fail before those not yet begun are left alone; any number unless given. */
  readonly maxFail?: number | undefined;
  /** Hosts to apply to at a time, each lot only when the one before has ended; all unless given. */
  readonly serial?: number | undefined;
  /** Operations meant, by `id` or `role/id` with globs; all unless given. What is no longer wished stays then. */
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  /** Seconds to wait for somebody else's run on a host; 0 unless given. */
  readonly lockWait?: number | undefined;
  /** Seconds to wait for a host that is booting; a host that does not answer fails at once unless given. */
  readonly bootTimeout?: number | undefined;
  /** Kinds of data that a reset deletes too. */
  readonly purge?: readonly string[];
  /** Asked once with everything planned, before anything is changed; false ends without a change. */
  readonly confirm?: (planned: readonly HostResult[]) => Promise<boolean>;
  readonly who?: string;
  /** Told of every step on every host, and of each host's end. */
  readonly progress?: (host: string, label: string, result?: HostResult) => void;
  readonly catalogue?: Catalogue;
  readonly connect?: (target: SshTarget, signal: AbortSignal) => Promise<SshConnection>;
}

type Prepared = { changes: number; perform(): Promise<readonly string[]> };

interface Work {
  readonly host: Host;
  readonly roles: readonly Role[];
  readonly wishes: readonly RoleWish[];
  readonly result: HostResult;
  readonly prepared: Prepared | undefined;
}

/**
 * Sets up, checks, resets or rolls back roles on hosts, side by side. Never rejects because of a host: each host's outcome,
 * error included, is in the result. Rejects for wrong words (unknown role, a host that does not have it) and for the signal.
 */
export async function applyRoles(options: ApplyRolesOptions): Promise<RoleRunResult> {
  const { team, secrets, action, reporter, signal, catalogue = projectCatalogue(options.team.file) } = options;
  const filter = { only: options.only ?? [], skip: options.skip ?? [] };
  const partial = filter.only.length + filter.skip.length > 0;
  const undoes = action === "reset" || action === "rollback";
  const all = listHosts(team);
  const hosts = all.filter(({ name }) => options.hosts.includes(name));
  const what = `role ${action} ${options.roles?.join(" ") ?? "all"}`;
  const rolesByHost = new Map<string, Role[]>();
  for (const host of hosts) {
    const roles = undoes ? ownRoles(host) : orderRoles(host, all, options.roles, catalogue);
    rolesByHost.set(host.name, await roles);
  }
  if (undoes) for (const name of options.roles ?? []) await catalogue.load(name);

  const limit = createQueue(options.parallel ?? 16);
  /** Ends every connection, also those of hosts that had been looked at when another one's look was interrupted. */
  const closers: (() => void)[] = [];
  let works: readonly Work[] = [];
  try {
    works = await Promise.all(hosts.map((host) => limit(() => prepare(host))));
    if (partial && !undoes) mustMeanSomething(works, filter);
    const planned = works.map(({ result }) => result);
    const go = action !== "check" && planned.some(({ state }) => state === "pending");
    if (go && (options.confirm === undefined || (await options.confirm(planned)))) await performAll();
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

  /** For what is undone: what the team file still knows of the host's roles; it orders hosts, nothing else. */
  async function ownRoles(host: Host): Promise<Role[]> {
    const names = catalogue.names().filter((name) => name in host.roles && (options.roles?.includes(name) ?? true));
    return Promise.all(names.map((name) => catalogue.load(name)));
  }

  function show(host: string, label: string): void {
    options.step?.update(`${host}: ${label}`);
    options.progress?.(host, label);
    reporter.event({ type: "role-step", host, label });
  }

  function tell(result: HostResult): HostResult {
    const { error, host, state, changed, ms } = result;
    options.progress?.(host, state, result);
    const code = error === undefined ? {} : { error: error.code };
    reporter.event({ type: "role-host", host, state, changed, pending: result.lines.length, ms, ...code });
    return result;
  }

  async function prepare(host: Host): Promise<Work> {
    const begun = Date.now();
    const roles = rolesByHost.get(host.name)!;
    let wishes: RoleWish[] = [];
    try {
      signal.throwIfAborted();
      if (!undoes) wishes = await wishesOf(roles, { team, host, hosts: all, secrets, reporter, signal });
      const target = targetOf(host, team, secrets);
      const connect = options.connect ?? connectSsh;
      const run = createHostRun({
        host: host.name,
        connect: (stop) =>
          options.bootTimeout === undefined
            ? connect(target, stop)
            : waitForBoot(
                { host, team: team.name },
                options.bootTimeout,
                () => connect(target, stop),
                stop,
                (label) => show(host.name, label),
              ),
        who: options.who ?? operator(),
        what,
        signal,
        onStep: (label) => show(host.name, maskSecrets(label, secrets.all())),
        password: secrets.get(`sudo.${host.name}`),
        lockWait: options.lockWait,
        looksOnly: action === "check",
        info: (line) => reporter.info(maskSecrets(line, secrets.all())),
        warn: (line) => reporter.warn(maskSecrets(line, secrets.all())),
      });
      closers.push(() => run.close());
      show(host.name, "looking");
      const { result, prepared, idle } = undoes ? await toUndo(run, host) : await toSetUp(run, host, wishes);
      // Nothing to do but for what the roles stand for: nothing on the host changes by that.
      if (idle && action !== "check") await prepared.perform();
      return { host, roles, wishes, prepared, result: tell({ ...result, ms: Date.now() - begun }) };
    } catch (error) {
      signal.throwIfAborted();
      const result = resultOf(host.name, [], 0, [], begun);
      result.state = "failed";
      result.error = explain(host.name, error);
      return { host, roles, wishes, result: tell(result), prepared: undefined };
    }
  }

  async function toSetUp(run: ReturnType<typeof createHostRun>, host: Host, wishes: readonly RoleWish[]) {
    const meant = partial ? filterWishes(wishes, filter) : wishes;
    const one = await run.prepareSetup(meant, partial);
    const { plan, drops } = one;
    const lines = [
      ...plan.steps
        .filter(({ counted, id }) => counted || id === "restarts")
        .map(({ role, change }) => ({ role, summary: change.summary, diff: change.diff ?? [] })),
      ...drops.undo.map((entry) => ({
        role: entry.role,
        summary: `no longer wished: ${describeUndo(entry)}`,
        diff: [],
      })),
    ].map(masked);
    const result = resultOf(host.name, lines, plan.looked, drops.keep.map(describeKept), 0);
    const prepared = { changes: plan.changes + drops.undo.length, perform: () => one.perform() };
    return { result, prepared, idle: prepared.changes === 0 && plan.claims.length > 0 };
  }

  async function toUndo(run: ReturnType<typeof createHostRun>, host: Host) {
    const one =
      action === "rollback" ? await run.prepareRollback() : await run.prepareReset(options.roles, options.purge ?? []);
    if (action === "reset") await checkDependents(host.name, one, options, catalogue);
    const lines = one.plan.undo.map((entry) => ({ role: entry.role, summary: describeUndo(entry), diff: [] }));
    const kept = one.plan.keep.map(describeKept);
    const { absent, undoneRun } = one;
    const result = { ...resultOf(host.name, lines, lines.length, kept, 0), absent, undoneRun };
    // With nothing to undo, a reset role only gives up what it stood for.
    return { result, prepared: { changes: lines.length, perform: () => one.perform() }, idle: lines.length === 0 };
  }

  async function performAll(): Promise<void> {
    const waves = wavesOf(new Map(works.map(({ host, roles }) => [host.name, roles])));
    for (const wave of undoes ? waves.reverse() : waves) {
      const todo = works.filter(({ host }) => wave.includes(host.name));
      const size = options.serial ?? todo.length;
      for (let at = 0; at < todo.length; at += size) {
        await Promise.all(todo.slice(at, at + size).map((work) => limit(() => perform(work))));
      }
    }
  }

  async function perform({ host, result, prepared }: Work): Promise<void> {
    if (result.state !== "pending" || prepared === undefined || signal.aborted) return;
    const failed = works.filter((one) => one.result.state === "failed").length;
    if (failed > (options.maxFail ?? works.length)) {
      result.state = "left";
      tell(result);
      return;
    }
    const begun = Date.now();
    try {
      const kept = await prepared.perform();
      result.kept = [...result.kept, ...kept];
      result.state = "changed";
      result.changed = prepared.changes;
    } catch (error) {
      if (signal.aborted) return;
      result.state = "failed";
      result.error = explain(host.name, error);
    }
    result.ms += Date.now() - begun;
    tell(result);
  }

  /** Diffs and summaries are made from what lies on the host: a secret may stand there in the open. */
  function masked(line: PlannedLine): PlannedLine {
    const known = secrets.all();
    return {
      role: line.role,
      summary: maskSecrets(line.summary, known),
      diff: line.diff.map((text) => maskSecrets(text, known)),
    };
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

function describeKept({ role, resource, data }: JournalEntry): string {
  const what = resource
    .replace(/^path:/, "")
    .replace(/^postgresql-(database|role):/, (_, kind) => `${kind === "role" ? "database role" : kind} `);
  return `${role}: ${what} (${data})`;
}
