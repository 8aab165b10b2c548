import { projectCatalogue } from "../converge/catalogue.ts";
import { listHosts } from "../team/hosts.ts";
import type { CliCommand } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { act } from "./role-act.ts";
import { type Action, actions, declareOptions, type RoleOptions } from "./role-options.ts";
import type { VerifyOptions } from "./role-verify.ts";
import { wholeNumber } from "./usage.ts";

export const command: CliCommand = {
  register(program, run) {
    const role = program.command("role").description("set up, check or reset roles on hosts");
    role.addHelpText("beforeAll", examples);
    const texts: Record<Action, string> = {
      check: "show what setup would change, with diffs; exit 3 when there is something",
      setup: "make the hosts as the team file wishes; a second time changes nothing",
      reset: "undo what setup did, from the host's journal; data stays unless purged",
      rollback: "undo what the newest run changed, and nothing older: for a setup that failed half-way",
    };
    for (const action of actions) {
      const sub = role.command(action).description(texts[action]);
      if (action !== "rollback") {
        sub.argument("[roles...]", "roles, with what they need on the same host; all of the host's unless given");
      }
      declareOptions(sub, action);
      sub.action(
        run((context: CommandContext, ...rest: unknown[]) =>
          action === "rollback"
            ? act(context, action, [], rest[0] as RoleOptions)
            : act(context, action, rest[0] as string[], rest[1] as RoleOptions),
        ),
      );
    }
    role
      .command("history")
      .description(
        "what role, deploy and quickstart did from this computer; with a host, what that remembers of everybody's runs",
      )
      .option("--host <name>", "ask this host")
      .option("--lines <number>", "so many runs, the newest first", wholeNumber, 20)
      .action(
        run(async (context: CommandContext, options: { host?: string; lines: number }) => {
          const { showHistory } = await import("./role-history.ts");
          return showHistory(context, options);
        }),
      );
    role
      .command("verify")
      .description(
        "try every way that the connectivity matrix opens or closes, over TCP and UDP, and ports that it does not name; exit 3 when one is not as it says",
      )
      .argument("<role>", "firewall")
      .option("--host <names>", "hosts to try from: by name, 'glob*', or agents, services, hypervisors")
      .option("--all", "from every host of the team")
      .option(
        "--limit <names>",
        "of those chosen, or by itself: names and globs, on:<hypervisor>; !name leaves one out",
      )
      .option("--outside <address>", "what to ask on the internet", "github.com")
      .action(
        run(async (context: CommandContext, name: string, options: VerifyOptions) => {
          const { verify } = await import("./role-verify.ts");
          return verify(context, name, options);
        }),
      );
    role.command("list").description("the roles that exist, and which hosts have them").action(run(list));
  },
};

const examples = `
  npx olympus role check --host athena             what would change there
  npx olympus role setup --all                     everything, everywhere
  npx olympus role setup mattermost --host agora   one role, with what it needs
  npx olympus role setup --all --serial 25%        a quarter of the hosts at a time
  npx olympus role setup --limit @failed           again for those that failed
  npx olympus role verify firewall --all           try what the matrix opens and closes
  npx olympus role reset agent --host athena       back to before; memory stays
  npm run role -- setup --host athena              the same by npm: mind the --
`;

async function list(context: CommandContext): Promise<undefined> {
  const team = await context.loadTeam();
  const catalogue = projectCatalogue(team.file);
  const hosts = listHosts(team);
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
