import { exitCodes } from "../base/errors.ts";
import { withStep } from "../base/report.ts";
import type { CliCommand } from "./command.ts";

/** `olympus restart`: down in order, up again, and waits until the machine is really there. */
export const command: CliCommand = {
  register(program, run) {
    program
      .command("restart")
      .argument("<machine>", "an agent's or service VM, by its name in the team file")
      .description("Shuts a machine down in order, starts it, and waits until it answers. One that is off is started.")
      .addHelpText("before", "  npx olympus restart athena\n")
      .action(
        run(async ({ loadTeam, confirm, reporter, signal }, name: string) => {
          const [{ restartMachine }, { openSecrets }, { findMachine }] = await Promise.all([
            import("../machines/restart.ts"),
            import("../../secrets/store.ts"),
            import("../machines/find.ts"),
          ]);
          const team = await loadTeam();
          findMachine(team, name);
          if (!(await confirm(`Restart ${name}? Its work stops for about a minute and goes on afterwards.`)))
            return exitCodes.confirmation;
          const secrets = await openSecrets(team);
          const outcome = await withStep(reporter, `restart ${name}`, async (step) => {
            const done = await restartMachine({
              team,
              secrets,
              machine: name,
              onProgress: (what) => step.update(what),
              signal,
            });
            const how = {
              orderly: "shut down in order",
              forced: "did not shut down, so its power was cut",
              "was off": "was off",
            };
            return { value: done.outcome, summary: `${how[done.outcome as keyof typeof how]}; it answers again` };
          });
          reporter.result("", { type: "restart", machine: name, outcome });
          return exitCodes.done;
        }),
      );
  },
};
