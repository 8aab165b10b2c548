import { withStep } from "../base/report.ts";
import { createQueue } from "../ssh/queue.ts";
import { growthOf } from "./changes.ts";
import { runStack, type StackOutcome, withChanges } from "./stack.ts";
import { ensureImages, sideBySide, type UpOptions } from "./up.ts";

/** What `bringUp` would do. Asks every hypervisor, side by side; one that does not answer is an error in its outcome. */
export async function previewStacks(options: UpOptions): Promise<StackOutcome[]> {
  const names = options.hypervisors ?? options.team.hypervisors.map(({ name }) => name);
  // An image by address has no identity before its first download.
  await ensureImages(options, names);
  return withStep(options.reporter, "asking", async (step) => {
    step.update(names.join(", "));
    const queue = createQueue(sideBySide);
    const value = await Promise.all(
      names.map((hypervisor) =>
        queue(async () => {
          const outcome = await runStack({ ...options, hypervisor, action: "preview" });
          if (outcome.error !== undefined) return outcome;
          const growths = outcome.growing.map(({ machine, from }) => growthOf(machine.name, from, machine.data));
          return withChanges(outcome, growths);
        }),
      ),
    );
    return { value, summary: `${names.length} ${names.length === 1 ? "hypervisor" : "hypervisors"}` };
  });
}
