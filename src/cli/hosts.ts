import { listHosts } from "../team/hosts.ts";
import type { CliCommand } from "./command.ts";
import { table } from "./table.ts";

/** `olympus hosts`: everything that a role can be applied to. */
export const command: CliCommand = {
  register(program, run) {
    program
      .command("hosts")
      .description("Lists everything that a role can be applied to: agents, services, hypervisors.")
      .addHelpText(
        "before",
        "  npx olympus hosts\n  npx olympus hosts --json | jq '.hosts[] | select(.kind == \"agent\") | .address'\n",
      )
      .action(
        run(async (context) => {
          const hosts = listHosts(await context.loadTeam());
          const rows = hosts.map((host) => [
            host.name,
            host.kind,
            `${host.user}@${host.address}${host.port === 22 ? "" : `:${host.port}`}`,
            host.kind === "hypervisor"
              ? host.hostKey === undefined
                ? "not pinned"
                : "pinned"
              : `on ${host.hypervisor}`,
            Object.keys(host.roles).join(" "),
          ]);
          context.reporter.result(table(["host", "kind", "login", "", "roles"], rows), {
            type: "hosts",
            hosts: hosts.map(({ machine, ...host }) => ({
              ...host,
              pinned: host.hostKey !== undefined,
              mac: machine?.mac,
            })),
          });
          return undefined;
        }),
      );
  },
};
