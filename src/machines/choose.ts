import { exitCodes, OlympusError } from "../base/errors.ts";
import { plural } from "../base/plural.ts";
import type { LoadedTeam } from "../team/model.ts";
import { mustKnow } from "../team/unknown.ts";

export interface Chosen {
  readonly hypervisor: string;
  /** Undefined: everything on it, also what the team file no longer has. */
  readonly machines: readonly string[] | undefined;
}

/**
 * Pure. What is meant by names of machines and hypervisors, sorted by hypervisor. Nothing is meant by no name: that throws E-USAGE, as
 * removing everything has to be said.
 */
export function chooseMachines(team: LoadedTeam, names: readonly string[], all: boolean): Chosen[] {
  const hypervisors = team.hypervisors.map(({ name }) => name);
  const known = [...team.machines.map(({ name }) => name), ...hypervisors];
  if (all) return hypervisors.map((hypervisor) => ({ hypervisor, machines: undefined }));
  if (names.length === 0) {
    throw new OlympusError(`name machines or hypervisors, or --all (${plural(team.machines.length, "machine")})`, {
      code: "E-USAGE",
      exit: exitCodes.usage,
      hint: `known: ${known.join(", ")}`,
    });
  }
  for (const name of names) mustKnow("machine or hypervisor", name, known, team.file);
  return hypervisors.flatMap((hypervisor): Chosen[] => {
    if (names.includes(hypervisor)) return [{ hypervisor, machines: undefined }];
    const machines = team.machines
      .filter((machine) => machine.hypervisor === hypervisor && names.includes(machine.name))
      .map(({ name }) => name);
    return machines.length === 0 ? [] : [{ hypervisor, machines }];
  });
}
