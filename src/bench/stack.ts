import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { projectRoot } from "../base/paths.ts";
import { generateTeam } from "../team/generate.ts";
import { type Benchmark, median } from "./bench.ts";

const rounds = 7;

/** No-change preview of a stack of three VMs as a person runs it, and the capacity plan of large teams, whole processes. */
export const bench: Benchmark = {
  name: "stack",
  summary: "no-change pulumi preview, and npx olympus plan of 18 and 200 agents",
  async run({ reporter, signal }) {
    const folder = await mkdtemp(join(tmpdir(), "olympus-bench-"));
    try {
      const plan = async (agents: number): Promise<number> => {
        const file = join(folder, `team-${agents}.yaml`);
        await writeFile(file, generateTeam({ agents }));
        return timed(() =>
          execa(join(projectRoot, "scripts/olympus"), ["plan", "--team", file], { cancelSignal: signal }),
        );
      };
      const plan18 = await plan(18);
      const plan200 = await plan(200);
      reporter.info("plans done; the preview needs a stack of three VMs");
      const { withThreeMachines } = await import("./three-machines.ts");
      const preview = await withThreeMachines({ reporter, signal }, async ({ env, stack }) => {
        const previewed = (...words: string[]) =>
          execa("pulumi", ["preview", "-s", stack, ...words], { cwd: projectRoot, env, cancelSignal: signal });
        // Pulumi ends with an error otherwise: the time of a preview that has something to change is no figure.
        await previewed("--expect-no-changes");
        return timed(() => previewed());
      });
      return {
        preview_noop_s: { value: preview, unit: "s", bound: 2.5, better: "lower" },
        plan_18_s: { value: plan18, unit: "s", bound: 0.5, better: "lower" },
        plan_200_s: { value: plan200, unit: "s", bound: 0.5, better: "lower" },
      };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** Median seconds of several runs, after one that warms caches. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  await work();
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const started = performance.now();
    await work();
    seconds.push((performance.now() - started) / 1000);
  }
  return median(seconds);
}
