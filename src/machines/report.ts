import { exitCodes, OlympusError } from "../base/errors.ts";
import type { LoadedTeam } from "../team/model.ts";
import type { MachineChange } from "./changes.ts";
import type { StackOutcome } from "./stack.ts";

const symbols: Readonly<Record<MachineChange["kind"], string>> = {
  create: "+ create ",
  restart: "! restart",
  rebuild: "! rebuild",
  start: "+ start  ",
  update: "~ change ",
  remove: "- remove ",
};

/** Pure. One line a change, worst first within a hypervisor; hypervisors that stay as they are say so. */
export function summary(stacks: readonly StackOutcome[], when: "preview" | "done"): string {
  const width = Math.max(...stacks.map(({ hypervisor }) => hypervisor.length));
  const lines = stacks.flatMap(({ hypervisor, changes, changed, error }) => {
    const name = hypervisor.padEnd(width);
    if (error !== undefined) {
      return [
        `${name}  ${error.exit === exitCodes.unreachable ? "unreachable" : "failed"}: ${error.message.split("\n")[0]}`,
      ];
    }
    if (changed === 0) return [`${name}  no change`];
    if (changes.length === 0)
      return [`${name}  ${changed} ${changed === 1 ? "resource" : "resources"} beside the machines`];
    return changes.map(({ kind, machine, detail }) => `${name}  ${symbols[kind]} ${machine}   ${detail}`);
  });
  return [...lines, last(stacks, when)].join("\n");
}

function last(stacks: readonly StackOutcome[], when: "preview" | "done"): string {
  const kinds = stacks.flatMap(({ changes }) => changes.map(({ kind }) => kind));
  const counts = [...new Set(kinds)].map((kind) => `${kinds.filter((one) => one === kind).length} ${kind}`);
  const unknown = stacks.filter(({ error }) => error !== undefined).length;
  const tail = unknown === 0 ? "" : `; ${unknown} ${unknown === 1 ? "hypervisor" : "hypervisors"} unknown`;
  const changed = stacks.reduce((sum, stack) => sum + stack.changed, 0);
  if (changed === 0) return `${when === "preview" ? "nothing would change" : "nothing changed, 0 changed"}${tail}`;
  const head = `${counts.join(", ") || "no machine"} (${changed} resources${when === "done" ? " changed" : ""})${tail}`;
  return when === "preview" ? `${head}\nDo it: npx olympus up` : head;
}

/** The hypervisors meant: those named, or all. Throws E-UNKNOWN-HYPERVISOR with the nearest names. */
export function checkHypervisors(team: LoadedTeam, names: readonly string[]): string[] {
  const known = team.hypervisors.map(({ name }) => name);
  const wrong = names.find((name) => !known.includes(name));
  if (wrong === undefined) return names.length === 0 ? known : [...new Set(names)];
  const machine = team.machines.find(({ name }) => name === wrong);
  throw new OlympusError(`there is no hypervisor "${wrong}"`, {
    code: "E-UNKNOWN-HYPERVISOR",
    exit: exitCodes.usage,
    where: team.file,
    hint: machine === undefined ? `known: ${known.join(", ")}` : `${wrong} is a machine on ${machine.hypervisor}`,
  });
}
