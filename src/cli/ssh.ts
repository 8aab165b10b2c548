import type { CliCommand } from "./command.ts";

/** `olympus ssh`: the system's ssh with the team's key and the pinned host key, and nothing of the user's own. */
export const command: CliCommand = {
  register(program, run) {
    program
      .command("ssh")
      .argument("<machine>", "a machine or a hypervisor")
      .argument("[command...]", "after --; one word is a line for the shell there, several arrive as they are")
      .description("Logs in, or runs a command there and ends with its exit code. The host key is verified.")
      .addHelpText(
        "before",
        "  npx olympus ssh athena\n  npx olympus ssh athena -- sudo systemctl status olympus-agent\n  npx olympus ssh athena -- 'df -h | grep srv'\n",
      )
      .action(
        run(async ({ loadTeam, endsByInterruption }, name: string, words: string[]) => {
          const [{ runSsh }, { openSecrets }, { findHost, sshTargetOf }] = await Promise.all([
            import("../machines/ssh-command.ts"),
            import("../../secrets/store.ts"),
            import("../machines/find.ts"),
          ]);
          const team = await loadTeam();
          // A wrong name is told before missing secrets.
          findHost(team, name);
          endsByInterruption();
          return runSsh(sshTargetOf(team, await openSecrets(team), name), words);
        }),
      );
  },
};
