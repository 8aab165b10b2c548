import type { PlannedStep } from "./plan.ts";
import { quote } from "./quote.ts";
import { undoScript } from "./undo.ts";

/**
 * Changes of who can get in (`access: true`) are made last in their role, between two steps: before the first one, a guard is
 * started on the host as a unit of its own; after the last one and its restarts, the client is asked to come in over a new
 * connection and say so. Where nobody does so in time, the guard takes the changes back.
 */
export function guardStep(role: string, access: readonly PlannedStep[]): PlannedStep {
  const change = { summary: "guard who can get in", script: `guard_access ${quote(role)}` };
  return { role, id: "guard", change, restarts: [], counted: false, guards: access };
}

export function confirmStep(role: string): PlannedStep {
  const change = { summary: "confirm over a new connection", script: `confirm_access ${quote(role)}` };
  return { role, id: "confirm", change, restarts: [], counted: false };
}

/**
 * What the guard runs when it takes changes back, as sh for prelude.sh: each step's undoing to the state before this run, newest
 * first, where the step had begun; then the restarts that they were to cause. `numbers`: the steps' places in the run.
 */
export function revertScript(
  role: string,
  steps: readonly { readonly at: number; readonly step: PlannedStep }[],
): string {
  const undo = steps
    .toReversed()
    .flatMap(({ at, step }) => [
      `if [ -e "$R/begun-${at}" ]; then :`,
      ...(step.change.records ?? []).toReversed().map((record) => `( set -eu; ${undoScript(record.undo, [])}\n)`),
      ...step.restarts.map((unit) => `if have_unit ${quote(unit)}; then notify ${quote(unit)}; fi`),
      "fi",
    ]);
  return [`guard ${quote(role)}`, ...undo, "flush", `reverted ${quote(role)}`, ""].join("\n");
}
