import type { GateStage } from "../../test/support/gate-stage.ts";
import { withStep } from "../base/report.ts";
import type { Benchmark, Figure } from "./bench.ts";
import { type Attempt, attemptsOn, token } from "./gates-attempts.ts";

/** Adversarial attempts to merge, to push to the default branch, to open a gate, to pass a lens or to get a token out, on a real rehearsal forge, each held against the audit log. */
export const bench: Benchmark = {
  name: "gates",
  summary:
    "attempts to merge, push to the default branch, open a gate, pass a lens or get a token out without a person who may",

  async run({ reporter, signal }): Promise<Record<string, Figure>> {
    const { gateStage } = await import("../../test/support/gate-stage.ts");
    const stage = await gateStage();
    try {
      const attempts = await attemptsOn(stage);
      const { succeeded, unwritten } = await withStep(reporter, `${attempts.length} attempts`, async () => {
        const value = await tryAll(stage, attempts, signal);
        return {
          value,
          summary: `${value.succeeded.length} succeeded, ${value.unwritten.length} not in the audit log`,
        };
      });
      const names = (found: readonly string[]) => (found.length === 0 ? "none" : found.slice(0, 5).join("; "));
      return {
        attempts: { value: attempts.length, unit: "attempts", bound: 200, better: "higher" },
        succeeded: { value: succeeded.length, unit: "attempts", bound: 0, better: "lower", note: names(succeeded) },
        unaudited: { value: unwritten.length, unit: "attempts", bound: 0, better: "lower", note: names(unwritten) },
      };
    } finally {
      await stage.close();
    }
  },
};

/** Makes each attempt and looks at what is different after it: the default branch, gates, what stands on the forge, the log. */
export async function tryAll(stage: GateStage, attempts: readonly Attempt[], signal: AbortSignal) {
  const succeeded: string[] = [];
  const unwritten: string[] = [];
  const main = await stage.main();
  for (const { name, gate, make, forms = token.forms } of attempts) {
    signal.throwIfAborted();
    const before = stage.log().length;
    const was = stage.gate(gate)?.state;
    const said = await make();
    const state = stage.gate(gate)?.state;
    // Nobody is asked for an approval before the lenses passed, or were overruled by one who may.
    const passed = was === "waiting" && state === "asked";
    const moved = (await stage.main()) !== main;
    if (moved || passed || state === "open" || state === "done" || forms.some((form) => said.includes(form)))
      succeeded.push(name);
    const log = stage.log().slice(before);
    if (!log.some(({ kind }) => kind === "refusal")) unwritten.push(name);
  }
  return { succeeded, unwritten };
}
