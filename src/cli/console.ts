import { exitCodes } from "../base/errors.ts";
import type { CliCommand } from "./command.ts";
import { wholeNumber } from "./usage.ts";

/** `olympus console`: the serial console, for a machine that SSH does not reach. */
export const command: CliCommand = {
  register(program, run) {
    program
      .command("console")
      .argument("<machine>", "an agent's or service VM, by its name in the team file")
      .option("--lines <n>", "how many of the recorded lines", wholeNumber, 30)
      .option("--recorded", "only what was recorded, also on a terminal")
      .description(
        "On a terminal: the machine's console (Ctrl-] leaves). Elsewhere: its last lines as recorded while it last started.",
      )
      .addHelpText("before", "  npx olympus console athena\n  npx olympus console athena --recorded --lines 200\n")
      .action(
        run(async ({ loadTeam, reporter }, name: string, options: { lines: number; recorded?: true }) => {
          const [{ consoleFile, lastConsoleLines }, { findMachine, sshTargetOf }, { openSecrets }, { namesOf }] =
            await Promise.all([
              import("../machines/console.ts"),
              import("../machines/find.ts"),
              import("../../secrets/store.ts"),
              import("../machines/names.ts"),
            ]);
          const team = await loadTeam();
          const { machine, hypervisor } = findMachine(team, name);
          if (process.stdin.isTTY && process.stdout.isTTY && options.recorded !== true) {
            const { runSsh } = await import("../machines/ssh-command.ts");
            const target = sshTargetOf(team, await openSecrets(team), hypervisor.name);
            const { domain } = namesOf(team.name, machine.name, "", "");
            reporter.info(`console of ${name}: Enter wakes it, Ctrl-] leaves`);
            return runSsh(target, ["virsh", "-c", "qemu:///system", "console", "--force", domain]);
          }
          const file = consoleFile(team.name, name);
          const lines = lastConsoleLines(file, options.lines);
          if (lines.length === 0) {
            reporter.info(
              `${name}: nothing was recorded here yet; a console is recorded while npx olympus up waits for it`,
            );
          }
          reporter.result(lines.join("\n"), { type: "console", machine: name, lines, file });
          return exitCodes.done;
        }),
      );
  },
};
