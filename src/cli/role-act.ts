import { exitCodes, type OlympusError, OlympusErrors, worstExit } from "../base/errors.ts";
import { projectCatalogue } from "../converge/catalogue.ts";
import { localHistory, recordOf, remember } from "../converge/history.ts";
import type { HostResult } from "../converge/result.ts";
import { applyRoles } from "../converge/run.ts";
import { listHosts } from "../team/hosts.ts";
import { confirmName } from "./confirm-name.ts";
import type { CommandContext } from "./context.ts";
import { chooseHosts, refuseHostsAsRoles, withRoles } from "./role-hosts.ts";
import { roleMetrics, writeMetrics } from "./role-metrics.ts";
import { nextLines } from "./role-next.ts";
import { type Action, mustConfirmChosen, pacing, type RoleOptions, words } from "./role-options.ts";
import { closingLine, keptLines, planLines } from "./role-output.ts";
import { roleProgress } from "./role-progress.ts";
import { sameTeam } from "./same-team.ts";
import { mustKnow } from "./usage.ts";

/** Emulated machines take minutes. */
const bootSeconds = 600;

/** `role check|setup|reset|rollback`. Gives the exit code; throws what hosts failed with. */
export async function act(
  context: CommandContext,
  action: Action,
  roles: readonly string[],
  options: RoleOptions,
): Promise<number> {
  const { reporter, signal } = context;
  const begun = Date.now();
  const undoes = action === "reset" || action === "rollback";
  const team = await context.loadTeam();
  const catalogue = projectCatalogue(team.file);
  const all = listHosts(team);
  refuseHostsAsRoles(roles, all, action);
  for (const name of roles) mustKnow("role", name, catalogue.names());
  const command = [action, ...roles].join(" ");
  const chosen = withRoles(chooseHosts(all, options, command, failedLastTime(team.name)), roles, options);
  const pace = pacing(options, chosen.length);
  const { openSecrets } = await import("../../secrets/store.ts");
  const secrets = await openSecrets(team);
  const names = chosen.map(({ name }) => name);
  mustConfirmChosen(options.confirm ?? [], names);
  const step = reporter.step(`role ${command} on ${chosen.length === 1 ? names[0] : `${chosen.length} hosts`}`);
  const purge = words(options.purge);
  if (purge.length > 0) {
    const all = await Promise.all(catalogue.names().map((name) => catalogue.load(name)));
    const kinds = [...new Set(all.flatMap(({ data = {} }) => Object.keys(data)))];
    for (const kind of purge) mustKnow("kind of data", kind, kinds);
  }
  const result = await applyRoles({
    team,
    secrets,
    action,
    ...(roles.length === 0 ? {} : { roles }),
    hosts: names,
    reporter,
    signal,
    catalogue,
    ...pace,
    progress: roleProgress(reporter, step, names),
    lockWait: options.lockWait,
    bootTimeout: options.bootTimeout ?? (options.waitForBoot === true ? bootSeconds : undefined),
    only: words(options.only),
    skip: words(options.skip),
    purge,
    async confirm(hosts) {
      const planned = hosts.filter(({ state }) => state === "pending");
      for (const line of planLines(planned, !undoes, undoes ? "undo" : "change")) reporter.info(line);
      if (!undoes) return true;
      const where = planned.length === 1 ? planned[0]!.host : `${planned.length} hosts`;
      if (!(await context.confirm(`${action === "reset" ? "Reset" : "Roll back"} ${where}?`))) return false;
      for (const { host } of purge.length > 0 ? planned : []) {
        await confirmName(context, host, `${purge.join(" and ")} of ${host}`, options.confirm ?? []);
      }
      return true;
    },
  }).catch((error: unknown) => {
    step.fail("stopped");
    throw error;
  });
  const { hosts, errors } = result;
  const closing = closingLine(hosts, Date.now() - begun, undoes);
  const pending = hosts.filter(({ state }) => state === "pending");
  if (errors.length > 0) step.fail(`${errors.length} of ${hosts.length} hosts`);
  else step.done(stepSummary(action, result.changed, pending));
  const exit = exitOf(action, hosts, errors);
  const shown =
    action === "check"
      ? [...(hosts.every(({ state }) => state === "as-wished") ? [] : planLines(hosts, true)), closing]
      : [...keptLines(hosts), closing];
  reporter.result(shown.join("\n"), {
    type: "role",
    action,
    changed: result.changed,
    exit,
    ms: Date.now() - begun,
    hosts: hosts.map(({ error, ...host }) => ({ ...host, ...(error === undefined ? {} : { error: error.code }) })),
  });
  await remember(team.name, recordOf(command, begun, exit, hosts));
  if (options.metrics !== undefined) writeMetrics(options.metrics, roleMetrics(team.name, localHistory(team.name)));
  for (const line of nextLines(action, roles, hosts, options)) reporter.info(sameTeam(line, context.options.team));
  if (errors.length > 0) throw failure(errors, hosts);
  return exit;
}

function exitOf(action: Action, hosts: readonly HostResult[], errors: readonly OlympusError[]) {
  const waiting = action === "check" ? exitCodes.pending : exitCodes.confirmation;
  return worstExit([
    ...errors.map((error) => error.exit),
    ...hosts.map(({ state }) => (state === "pending" ? waiting : exitCodes.done)),
  ]);
}

/** For `@failed`: hosts of the last command that did not end well, or were left alone because of others. */
function failedLastTime(team: string): string[] {
  const last = localHistory(team).at(-1);
  return (last?.hosts ?? []).filter(({ state }) => state === "failed" || state === "left").map(({ host }) => host);
}

function stepSummary(action: Action, changed: number, pending: readonly HostResult[]): string {
  const waiting = pending.reduce((sum, { lines }) => sum + lines.length, 0);
  if (waiting > 0) return `${waiting} would change`;
  if (action === "check") return "as wished";
  return changed === 0 ? "nothing changed" : `${changed} changes`;
}

function failure(errors: readonly OlympusError[], hosts: readonly HostResult[]): OlympusError | OlympusErrors {
  return errors.length === 1 ? errors[0]! : new OlympusErrors(`${errors.length} of ${hosts.length} hosts`, errors);
}
