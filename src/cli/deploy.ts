import { exitCodes } from "../base/errors.ts";
import { plural } from "../base/plural.ts";
import type { CliCommand } from "./command.ts";
import { mustKnow } from "./usage.ts";

export const command: CliCommand = {
  register(program, run) {
    program
      .command("deploy")
      .argument("[machine...]", "only these machines")
      .option(
        "--adopt <name>",
        "take the chat's account or bot of that name, as bootstrap does",
        (name, all) => [...all, name],
        [] as string[],
      )
      .description("machines, roles, chat, agents and probe, in this order; changes only what differs")
      .addHelpText(
        "before",
        "  npx olympus deploy            everything\n  npx olympus deploy athena     one machine\n",
      )
      .action(
        run(async ({ reporter, loadTeam, confirm, signal }, names: string[], { adopt }: { adopt: string[] }) => {
          const [{ deploy }, { openSecrets }, { requireSecrets }] = await Promise.all([
            import("../deploy/deploy.ts"),
            import("../../secrets/store.ts"),
            import("../../secrets/check.ts"),
          ]);
          const team = await loadTeam();
          const known = team.machines.map(({ name }) => name);
          for (const name of names) mustKnow("machine", name, known, team.file);
          const accounts = [...Object.keys(team.team.people), ...Object.keys(team.team.agents)];
          for (const name of adopt) mustKnow("person or agent", name, accounts, team.file);
          const secrets = await openSecrets(team);
          // Told before anything is done, not by the step that comes to it.
          requireSecrets(
            team,
            secrets,
            team.machines.filter(({ name }) => names.length === 0 || names.includes(name)),
          );
          if (
            !(await confirm(
              `Deploy ${names.length === 0 ? `all ${plural(team.machines.length, "machine")}` : names.join(", ")} of team ${team.name}?`,
            ))
          ) {
            return exitCodes.confirmation;
          }
          const result = await deploy({
            team,
            secrets,
            ...(names.length === 0 ? {} : { hosts: names }),
            adopt,
            reporter,
            signal,
          });
          reporter.result(result.changed === 0 ? "nothing changed" : plural(result.changed, "change"), {
            type: "deploy",
            changed: result.changed,
          });
          return exitCodes.done;
        }),
      );
  },
};
