import { exitCodes } from "../base/errors.ts";
import type { CommandParent, RunAction } from "./command.ts";
import { table } from "./table.ts";

/** `olympus secrets check`: whether the file opens and holds what the team needs. Connects to nothing. */
export function check(parent: CommandParent, run: RunAction): void {
  parent
    .command("check")
    .description(
      "Says whether the file is whole, what is missing, unsafe, left over or half rotated. Connects to nothing.",
    )
    .action(
      run(async ({ reporter, loadTeam }) => {
        const [{ openSecrets }, { checkSecrets }] = await Promise.all([
          import("../../secrets/store.ts"),
          import("../../secrets/check.ts"),
        ]);
        const team = await loadTeam();
        const store = await openSecrets(team);
        const findings = await checkSecrets(team, store);
        const rows = findings.map(({ kind, name, what, fix }) => [kind, name, what, fix ?? ""]);
        const good = `${store.paths().length} values, ${store.recipients().length} who can open them: as it should be`;
        reporter.result(rows.length === 0 ? good : table(["", "name", "what", "mended by"], rows), {
          type: "secrets-check",
          file: store.file,
          findings,
        });
        return findings.some(({ kind }) => kind !== "note") ? exitCodes.pending : exitCodes.done;
      }),
    );
}
