import { exitCodes, OlympusErrors } from "../base/errors.ts";
import type { CliCommand } from "./command.ts";
import { writeTeamValue } from "./write-team.ts";

/** `olympus rebuild`: a new root disk from the image; what must outlive it is on the data disk. */
export const command: CliCommand = {
  register(program, run) {
    program
      .command("rebuild")
      .argument("<machine>", "an agent's or service VM, by its name in the team file")
      .description("Gives a machine a new root disk, by raising its generation in the team file. Its data stays.")
      .addHelpText("before", "  npx olympus rebuild athena\n")
      .action(
        run(async (context, name: string) => {
          const [{ bringUp }, { openSecrets }, { findMachine }] = await Promise.all([
            import("../machines/up.ts"),
            import("../../secrets/store.ts"),
            import("../machines/find.ts"),
          ]);
          const before = await context.loadTeam();
          const { machine } = findMachine(before, name);
          const question = `Rebuild ${name} on ${machine.hypervisor}? It is shut down and gets a new root disk; roles must be applied again. Its data disk stays.`;
          if (!(await context.confirm(question))) return exitCodes.confirmation;
          const generation = machine.generation + 1;
          const kind = machine.kind === "agent" ? "agents" : "services";
          const team = await writeTeamValue(before.file, [kind, name, "generation"], generation);
          context.reporter.info(`${name}: generation ${generation} written to ${team.file}`);
          const result = await bringUp({
            team,
            secrets: await openSecrets(team),
            hypervisors: [machine.hypervisor],
            only: [name],
            reporter: context.reporter,
            signal: context.signal,
          });
          if (result.errors.length > 0) {
            throw new OlympusErrors(`${name} is not rebuilt yet; the same up goes on from here`, result.errors);
          }
          context.reporter.result(`${name}: new root disk, data kept. Next: npx olympus deploy ${name}`, {
            type: "rebuild",
            machine: name,
            generation,
            changed: result.changed,
          });
          return exitCodes.done;
        }),
      );
  },
};
