import { exitCodes } from "../base/errors.ts";
import { plural } from "../base/plural.ts";
import type { LoadedTeam } from "../team/model.ts";
import { unknownWord } from "../team/unknown.ts";
import { type MachineChange, nameOf, newDataDisk, type Step } from "./changes.ts";
import type { StackOutcome } from "./stack.ts";

const symbols: Readonly<Record<MachineChange["kind"], string>> = {
  create: "+ create ",
  restart: "! restart",
  rebuild: "! rebuild",
  start: "+ start  ",
  update: "~ change ",
  remove: "- remove ",
};

const symbolsLine = "(! restart or rebuild  + create or start  ~ change in place  - remove)";

/** Data disks are what people fear for, so it is said. */
function dataLine(stacks: readonly StackOutcome[]): string[] {
  const all = stacks.flatMap(({ changes }) => changes);
  const emptied = all.filter(({ detail }) => detail.includes(newDataDisk)).map(({ machine }) => machine);
  if (emptied.length > 0) return [`data    ${newDataDisk}, empty: ${emptied.join(", ")}`];
  const touched = all.some(({ kind }) => kind !== "create" && kind !== "update");
  return touched ? ["data    nothing is deleted"] : [];
}

/** Pure. One line a change, worst first within a hypervisor; hypervisors that stay as they are say so. */
export function summary(stacks: readonly StackOutcome[], when: "preview" | "done"): string {
  const width = Math.max(...stacks.map(({ hypervisor }) => hypervisor.length));
  const lines = stacks.flatMap(({ hypervisor, changes, changed, steps, error }) => {
    const name = hypervisor.padEnd(width);
    if (error !== undefined) {
      return [
        `${name}  ${error.exit === exitCodes.unreachable ? "unreachable" : "failed"}: ${error.message.split("\n")[0]}`,
      ];
    }
    if (changed === 0) return [`${name}  no change`];
    if (changes.length === 0) {
      // An image that no machine needs any more, say.
      const what = steps.map(({ op, urn }) => `${op} ${nameOf(urn)}`).join(", ");
      return [`${name}  no machine changes${what === "" ? "" : `, beside them: ${what}`}`];
    }
    return changes.map(({ kind, machine, detail }) => `${name}  ${symbols[kind]} ${machine}   ${detail}`);
  });
  const legend = when === "preview" && stacks.some(({ changes }) => changes.length > 0) ? [symbolsLine] : [];
  return [...lines, ...dataLine(stacks), last(stacks, when), ...legend].join("\n");
}

function last(stacks: readonly StackOutcome[], when: "preview" | "done"): string {
  const kinds = stacks.flatMap(({ changes }) => changes.map(({ kind }) => kind));
  const counts = [...new Set(kinds)].map((kind) => `${kinds.filter((one) => one === kind).length} ${kind}`);
  const unknown = stacks.filter(({ error }) => error !== undefined).length;
  const tail = unknown === 0 ? "" : `; ${unknown} ${unknown === 1 ? "hypervisor" : "hypervisors"} unknown`;
  const changed = stacks.reduce(
    (sum, stack) => sum + (when === "preview" && stack.error !== undefined ? 0 : stack.changed),
    0,
  );
  if (changed === 0) return `${when === "preview" ? "nothing would change" : "nothing changed, 0 changed"}${tail}`;
  const head = `${counts.join(", ") || "no machine"} (${plural(changed, "resource")}${when === "done" ? " changed" : ""})${tail}`;
  return when === "preview" ? `${head}\nDo it: npx olympus up` : head;
}

/** Pure. Every resource that is touched, with the properties that differ: `update  domain athena   memory: 1024 -> 1280`. */
export function diffLines(stacks: readonly StackOutcome[]): string[] {
  return stacks.flatMap(({ hypervisor, steps }) =>
    steps.flatMap((step) => [
      `${hypervisor}  ${step.op}  ${step.urn.split("::").slice(2).join(" ")}`,
      ...propertyDiffs(step).map((line) => `    ${line}`),
    ]),
  );
}

function propertyDiffs({ old = {}, new: next = {}, diffs = [] }: Step): string[] {
  const keys = new Set([...diffs, ...Object.keys(old), ...Object.keys(next)]);
  return [...keys].flatMap((key) => {
    const [before, after] = [JSON.stringify(old[key]), JSON.stringify(next[key])];
    if (before === after) return diffs.includes(key) ? [`${key}: ${before ?? "unset"} (in the state)`] : [];
    return [`${key}: ${before ?? "unset"} -> ${after ?? "unset"}`];
  });
}

/** The hypervisors meant: those named, or all. Throws E-UNKNOWN with the nearest name. */
export function checkHypervisors(team: LoadedTeam, names: readonly string[]): string[] {
  const known = team.hypervisors.map(({ name }) => name);
  const wrong = names.find((name) => !known.includes(name));
  if (wrong === undefined) return names.length === 0 ? known : [...new Set(names)];
  const machine = team.machines.find(({ name }) => name === wrong);
  const aside = machine === undefined ? {} : { aside: `${wrong} is a machine on ${machine.hypervisor}.` };
  throw unknownWord("hypervisor", wrong, known, { where: team.file, ...aside });
}
