import { exitCodes } from "../base/errors.ts";
import type { CommandParent, RunAction } from "./command.ts";
import { readSecretInput } from "./secret-input.ts";

/** `olympus secrets rotate`: new values for all who use them. */
export function rotate(parent: CommandParent, run: RunAction): void {
  parent
    .command("rotate")
    .argument(
      "[name...]",
      "such as ssh.deploy, agents.NAME.dashboard or models.NAME; without a name, all that need no value from you are listed",
    )
    .option("--all", "everything that can be rotated without being given a value")
    .description("Gives a secret a new value: makes it, brings it to all who use it, tries it, ends the old one.")
    .action(
      run(
        async (
          { reporter, loadTeam, confirm, signal, options },
          names: string[],
          { all = false }: { all?: boolean },
        ) => {
          const [
            { openSecrets },
            { rotatable, rotationOf, runRotations },
            { applyRole },
            { chatUrl },
            { trustTeamAuthority },
            { namingSecrets },
          ] = await Promise.all([
            import("../../secrets/store.ts"),
            import("../rotate/index.ts"),
            import("./apply-role.ts"),
            import("../bootstrap/url.ts"),
            import("../bootstrap/trust.ts"),
            import("./secret-names.ts"),
          ]);
          const team = await loadTeam();
          const secrets = await openSecrets(team);
          trustTeamAuthority(secrets);
          const context = {
            team,
            secrets,
            reporter,
            signal,
            chatUrl: chatUrl(team),
            all,
            apply: (role: string, hosts: readonly string[]) =>
              applyRole(role, hosts, { team, secrets, reporter, signal }),
          };
          const wanted = all ? rotatable({ team, secrets }) : names;
          const rotations = wanted.map((name) =>
            namingSecrets(name, team, secrets, () =>
              rotationOf(name, context, () => readSecretInput(name, options.input)),
            ),
          );
          if (rotations.length === 0) {
            reporter.result(rotatable({ team, secrets }).join("\n"), {
              type: "rotatable",
              names: rotatable({ team, secrets }),
            });
            return exitCodes.done;
          }
          for (const { name, users, overlap } of rotations) reporter.info(`  ${name}: ${users.join(", ")}; ${overlap}`);
          if (!(await confirm(`Give ${rotations.length === 1 ? "it a new value" : "them new values"}?`))) {
            return exitCodes.confirmation;
          }
          const left = await runRotations(rotations, context);
          reporter.result(`${rotations.length} rotated`, {
            type: "rotated",
            names: rotations.map(({ name }) => name),
            ...(left.length === 0 ? {} : { left }),
          });
          return exitCodes.done;
        },
      ),
    );
}
