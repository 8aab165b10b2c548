import { exitCodes } from "../base/errors.ts";
import { plural } from "../base/plural.ts";
import type { CliCommand } from "./command.ts";
import { mustKnow } from "./usage.ts";

interface BootstrapFlags {
  readonly adopt?: readonly string[];
  readonly newPassword?: readonly string[];
}

/** `olympus bootstrap`: an empty Mattermost becomes the team's, with no click; again: nothing changes. */
export const command: CliCommand = {
  register(program, run) {
    const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];
    program
      .command("bootstrap")
      .option("--adopt <name>", "take the account or bot of that name although bootstrap did not make it", collect)
      .option("--new-password <person>", "give a new one-time password and end the person's sessions", collect)
      .description("Sets up the chat as the team file says: administrator, teams, channels, bots, people.")
      .addHelpText("before", "  npx olympus bootstrap\n  npx olympus bootstrap --new-password mara\n")
      .action(
        run(async ({ reporter, loadTeam, signal }, flags: BootstrapFlags) => {
          const [{ openSecrets }, { bootstrap }, { chatUrl }, { withStep }] = await Promise.all([
            import("../../secrets/store.ts"),
            import("../bootstrap/index.ts"),
            import("../bootstrap/url.ts"),
            import("../base/report.ts"),
          ]);
          const team = await loadTeam();
          const people = Object.keys(team.team.people);
          for (const person of flags.newPassword ?? []) mustKnow("person", person, people);
          const known = [...people, ...Object.keys(team.team.agents)];
          for (const name of flags.adopt ?? []) mustKnow("person or agent", name, known);
          const secrets = await openSecrets(team);
          const url = chatUrl(team);
          const result = await withStep(reporter, `chat ${url}`, async () => {
            const value = await bootstrap({ team, secrets, reporter, signal, ...flags });
            return { value, summary: value.changed === 0 ? "as it was" : plural(value.changed, "change") };
          });
          const waiting = result.pending.filter((person) => !result.given.includes(person));
          if (waiting.length > 0) reporter.warn(`still with a one-time password: ${waiting.join(", ")}`);
          const agent = Object.keys(team.team.agents)[0];
          reporter.result(
            `${result.changed === 0 ? "Nothing changed." : `${plural(result.changed, "change")}.`} Next: npx olympus chat @${agent} "hello"`,
            { type: "bootstrap", changed: result.changed, pending: result.pending, url },
          );
          return exitCodes.done;
        }),
      );
  },
};
