import { exitCodes, OlympusError, OlympusErrors } from "../base/errors.ts";
import { projectCatalogue } from "../converge/catalogue.ts";
import { applyRoles, type HostResult } from "../converge/run.ts";
import { type Host, listHosts } from "../team/hosts.ts";
import type { CliCommand } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { chooseHosts, refuseHostsAsRoles } from "./role-hosts.ts";
import { closingLine, keptLines, planLines } from "./role-output.ts";
import { mustKnow } from "./usage.ts";

interface RoleOptions {
  readonly host?: string;
  readonly all?: boolean;
  readonly serial?: boolean;
  readonly purge?: string;
}

const actions = ["setup", "check", "reset"] as const;
type Action = (typeof actions)[number];

export const command: CliCommand = {
  register(program, run) {
    const role = program.command("role").description("set up, check or reset roles on hosts");
    role.addHelpText("beforeAll", examples);
    const words: Record<Action, string> = {
      check: "show what setup would change, with diffs; exit 3 when there is something",
      setup: "make the hosts as the team file wishes; a second time changes nothing",
      reset: "undo what setup did, from the host's journal; data stays unless purged",
    };
    for (const action of ["check", "setup", "reset"] as const) {
      const sub = role
        .command(action)
        .description(words[action])
        .argument("[roles...]", "roles, with what they need on the same host; all of the host's unless given")
        .option("--host <names>", "hosts by name, 'glob*', or agents, services, hypervisors; several with commas")
        .option("--all", "every host of the team")
        .option("--serial", "one host after another; stops at the first that fails");
      if (action === "reset") sub.option("--purge <kinds>", "delete these kinds of data too (role list names them)");
      sub.action(
        run((context: CommandContext, roles: string[], options: RoleOptions) => act(context, action, roles, options)),
      );
    }
    role.command("list").description("the roles that exist, and which hosts have them").action(run(list));
  },
};

const examples = `
  olympus role check --host athena             what would change there
  olympus role setup --all                     everything, everywhere
  olympus role setup mattermost --host agora   one role, with what it needs
  olympus role reset agent --host athena       back to before; memory stays
  npm run role -- setup --host athena          the same by npm: mind the --
`;

async function list(context: CommandContext): Promise<undefined> {
  const catalogue = projectCatalogue();
  const hosts = listHosts(await context.loadTeam());
  const roles = await Promise.all(catalogue.names().map((name) => catalogue.load(name)));
  const rows = roles.map(({ name, summary, requires, data = {} }) => ({
    name,
    summary,
    requires,
    data,
    hosts: hosts.filter((host) => name in host.roles).map((host) => host.name),
  }));
  const width = Math.max(...rows.map(({ name }) => name.length)) + 2;
  const text = rows.map((row) => {
    const data = Object.entries(row.data).map(([kind, what]) => `\n${" ".repeat(width)}data ${kind}: ${what}`);
    return `${row.name.padEnd(width)}${row.summary}\n${" ".repeat(width)}on ${row.hosts.join(", ") || "no host"}${data.join("")}`;
  });
  context.reporter.result(text.join("\n"), { type: "roles", roles: rows });
  return undefined;
}

async function act(
  context: CommandContext,
  action: Action,
  roles: readonly string[],
  options: RoleOptions,
): Promise<number> {
  const { reporter, signal } = context;
  const begun = Date.now();
  const catalogue = projectCatalogue();
  const team = await context.loadTeam();
  const all = listHosts(team);
  refuseHostsAsRoles(roles, all, action);
  for (const name of roles) mustKnow("role", name, catalogue.names());
  const chosen = withRoles(chooseHosts(all, options.host, options.all === true), roles, options);
  const { openSecrets } = await import("../../secrets/store.ts");
  const secrets = await openSecrets(team);
  const label = `role ${[action, ...roles].join(" ")} on ${chosen.length === 1 ? chosen[0]!.name : `${chosen.length} hosts`}`;
  const step = reporter.step(label);
  let planned: readonly HostResult[] = [];
  const result = await applyRoles({
    team,
    secrets,
    action,
    ...(roles.length === 0 ? {} : { roles }),
    hosts: chosen.map(({ name }) => name),
    reporter,
    step,
    signal,
    catalogue,
    ...(options.serial === true ? { parallel: 1, stopOnFailure: true } : {}),
    purge: (options.purge ?? "").split(",").filter((kind) => kind !== ""),
    async confirm(hosts) {
      planned = structuredClone(hosts.filter(({ state }) => state === "pending"));
      const verb = action === "reset" ? "undo" : "change";
      for (const line of planLines(hosts, false, verb)) reporter.info(line);
      if (action !== "reset") return true;
      return context.confirm(`Reset ${planned.length === 1 ? planned[0]!.host : `${planned.length} hosts`}?`);
    },
  }).catch((error: unknown) => {
    step.fail("stopped");
    throw error;
  });
  const { hosts, errors } = result;
  const closing = closingLine(hosts, Date.now() - begun);
  const pending = hosts.filter(({ state }) => state === "pending");
  if (errors.length > 0) step.fail(`${errors.length} of ${hosts.length} hosts`);
  else step.done(stepSummary(result.changed, pending));
  const shown =
    action === "check"
      ? [...(hosts.every(({ state }) => state === "as-wished") ? [] : planLines(hosts, true)), closing]
      : [...keptLines(hosts), closing];
  reporter.result(shown.join("\n"), {
    type: "role",
    action,
    changed: result.changed,
    hosts: hosts.map(({ error, ...host }) => ({ ...host, ...(error === undefined ? {} : { error: error.code }) })),
  });
  if (errors.length > 0) throw failure(errors, hosts, action, roles);
  if (action === "check" && pending.length > 0) {
    reporter.info(
      `Do it: npx olympus role setup ${[...roles, "--host", pending.map(({ host }) => host).join(",")].join(" ")}`,
    );
    return exitCodes.pending;
  }
  return pending.length > 0 ? exitCodes.confirmation : exitCodes.done;
}

function stepSummary(changed: number, pending: readonly HostResult[]): string {
  const waiting = pending.reduce((sum, { lines }) => sum + lines.length, 0);
  if (waiting > 0) return `${waiting} would change`;
  return changed === 0 ? "nothing changed" : `${changed} changes`;
}

/** With a group or --all, hosts without any of the roles are left out; a host named alone that lacks one is told so later. */
function withRoles(hosts: readonly Host[], roles: readonly string[], options: RoleOptions): readonly Host[] {
  const named = (options.host ?? "").split(",");
  const fitting = hosts.filter(
    (host) =>
      named.includes(host.name) ||
      (roles.length === 0 ? Object.keys(host.roles).length > 0 : roles.every((role) => role in host.roles)),
  );
  if (fitting.length > 0) return fitting;
  throw new OlympusError(`None of these hosts has ${roles.join(" and ") || "a role"}.`, {
    code: "E-ROLE-HOST",
    exit: exitCodes.usage,
    hint: "olympus role list shows which hosts have which roles.",
  });
}

function failure(
  errors: readonly OlympusError[],
  hosts: readonly HostResult[],
  action: Action,
  roles: readonly string[],
): OlympusError | OlympusErrors {
  const [first] = errors;
  if (errors.length === 1 && first !== undefined) return first;
  const failed = hosts.filter(({ error }) => error !== undefined).map(({ host }) => host);
  const again = `npx olympus role ${[action, ...roles].join(" ")} --host ${failed.join(",")}`;
  return new OlympusErrors(`again for these: ${again}`, errors);
}
