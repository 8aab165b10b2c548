import { exitCodes, OlympusErrors } from "../base/errors.ts";
import type { CliCommand } from "./command.ts";

/** `olympus up`: the VMs of hypervisors, side by side. */
export const command: CliCommand = {
  register(program, run) {
    program
      .command("up")
      .argument("[hypervisor...]", "only the machines of these")
      .description("Makes the team's machines what the team file says; restarts one only when it has to.")
      .addHelpText(
        "before",
        "  npx olympus up            every hypervisor, side by side\n  npx olympus up r420       one\n",
      )
      .action(
        run(async (context, names: string[]) => {
          const [{ bringUp }, { openSecrets }, { checkHypervisors, summary }] = await Promise.all([
            import("../machines/up.ts"),
            import("../../secrets/store.ts"),
            import("../machines/report.ts"),
          ]);
          const team = await context.loadTeam();
          const hypervisors = checkHypervisors(team, names);
          const secrets = await openSecrets(team);
          const result = await bringUp({
            team,
            secrets,
            hypervisors,
            reporter: context.reporter,
            signal: context.signal,
          });
          context.reporter.result(summary(result.stacks, "done"), {
            type: "up",
            changed: result.changed,
            stacks: result.stacks.map(({ hypervisor, changes, changed, error }) => ({
              hypervisor,
              changed,
              changes,
              error: error?.code,
            })),
          });
          if (result.errors.length > 0)
            throw new OlympusErrors("some hypervisors could not be brought up", result.errors);
          return exitCodes.done;
        }),
      );
  },
};
