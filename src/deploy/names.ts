import { exitCodes, OlympusError } from "../base/errors.ts";
import type { LoadedTeam } from "../team/model.ts";

/** Throws E-USAGE when a name is no machine of the team, naming those that are. */
export function checkMachineNames(team: LoadedTeam, names: readonly string[]): void {
  const known = team.machines.map((machine) => machine.name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new OlympusError(`${unknown.join(", ")}: no such machine`, {
    code: "E-USAGE",
    exit: exitCodes.usage,
    where: team.file,
    hint: `Known: ${known.join(", ")}.`,
  });
}
