import { exitCodes, OlympusErrors } from "../base/errors.ts";
import type { CliCommand } from "./command.ts";

/** `olympus preview`: what `up` would do, without doing it. */
export const command: CliCommand = {
  register(program, run) {
    program
      .command("preview")
      .argument("[hypervisor...]", "only the machines of these")
      .option("--diff", "each resource, with what differs")
      .description("Shows what `npx olympus up` would do. Exit 3 when something would change, 0 when nothing.")
      .addHelpText("before", "  npx olympus preview\n  npx olympus preview r420 --diff\n")
      .action(
        run(async (context, names: string[], options: { diff?: true }) => {
          const [{ previewStacks }, { openSecrets }, { checkHypervisors, diffLines, summary }] = await Promise.all([
            import("../machines/preview.ts"),
            import("../../secrets/store.ts"),
            import("../machines/report.ts"),
          ]);
          const team = await context.loadTeam();
          const hypervisors = checkHypervisors(team, names);
          const secrets = await openSecrets(team);
          const { reporter, signal } = context;
          const stacks = await previewStacks({ team, secrets, hypervisors, reporter, signal });
          reporter.result([...(options.diff ? diffLines(stacks) : []), summary(stacks, "preview")].join("\n"), {
            type: "preview",
            changed: stacks.reduce((sum, { changed }) => sum + changed, 0),
            stacks: stacks.map(({ hypervisor, changes, changed, error, steps }) => ({
              hypervisor,
              changed,
              changes,
              error: error?.code,
              ...(options.diff ? { steps } : {}),
            })),
          });
          const errors = stacks.flatMap(({ error }) => error ?? []);
          if (errors.length > 0) throw new OlympusErrors("some hypervisors could not be asked", errors);
          return stacks.some(({ changed }) => changed > 0) ? exitCodes.pending : exitCodes.done;
        }),
      );
  },
};
