import { existsSync, realpathSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { labDir, labTeamFile } from "../base/paths.ts";
import type { LoadedTeam } from "../team/model.ts";

/**
 * Throws E-TEAM-LAB where a team other than the lab's would have its state in the lab's folder, as one called "lab" has: purging the lab would
 * take it along, and until then each would take the other's machines for its own.
 */
export function refuseLabState(team: LoadedTeam, backend: string): void {
  const inLab = backend.startsWith("file://") && !relative(labDir(), fileURLToPath(backend)).startsWith("..");
  if (!inLab || isLabTeam(team.file)) return;
  throw new OlympusError(
    `the state of team ${team.name} would lie in the folder of this computer's lab and go with it`,
    {
      code: "E-TEAM-LAB",
      exit: exitCodes.usage,
      where: team.where?.(["name"]) ?? team.file,
      hint: "Give the team another name; for one whose machines stand, see docs/reference/errors.md.",
    },
  );
}

/** By what the names lead to: the folder may be named in several ways. */
function isLabTeam(file: string): boolean {
  return [file, labTeamFile()].every(existsSync) && realpathSync(file) === realpathSync(labTeamFile());
}
