import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { projectRoot } from "../base/paths.ts";
import type { Benchmark } from "./bench.ts";

const outcomeSchema = z.object({
  answered: z.literal(true),
  elapsed_s: z.number(),
  changed: z.number(),
  mention_to_ack_ms: z.number(),
  mention_to_answer_ms: z.number(),
  total_s: z.number(),
  flow: z.object({ elapsed_s: z.number() }).optional(),
});

/**
 * From nothing to the first answered mention: with an empty cache (all tools built or downloaded), with a full one, and again at once.
 * The cold run keeps out of the person's caches, Go's included. `OLYMPUS_BENCH_COLD=0` leaves it out, which the figure then says by its absence.
 */
export const bench: Benchmark = {
  name: "quickstart",
  summary: "cold, warm and repeated quickstart, whole process",
  async run({ reporter, signal }) {
    const folder = await mkdtemp(join(tmpdir(), "olympus-bench-"));
    // A lab of its own: a person's state stays as it is.
    const state = { OLYMPUS_STATE: join(folder, "state") };
    const coldEnv = {
      OLYMPUS_CACHE: join(folder, "cache"),
      GOMODCACHE: join(folder, "gomod"),
      GOCACHE: join(folder, "gocache"),
      // Module files are read-only otherwise, and the folder could not be removed.
      GOFLAGS: "-modcacherw -buildvcs=false",
    };
    await mkdir(coldEnv.OLYMPUS_CACHE, { recursive: true });
    const withCold = process.env.OLYMPUS_BENCH_COLD !== "0";
    const env = withCold ? { ...state, ...coldEnv } : state;

    const quickstart = async (
      label: string,
    ): Promise<z.infer<typeof outcomeSchema> & { wall: number; whole: number }> => {
      const step = reporter.step(label);
      const started = Date.now();
      const { stdout } = await execa(join(projectRoot, "scripts/quickstart"), ["--yes", "--json"], {
        env,
        stderr: "inherit",
        cancelSignal: signal,
      });
      const outcome = outcomeSchema.parse(JSON.parse(stdout.trim().split("\n").at(-1)!));
      step.done(`${outcome.elapsed_s} s, ${outcome.changed} changes`);
      const whole = (Date.now() - started) / 1000;
      // The first answer is what it is for; what is shown afterwards is measured on its own.
      return { ...outcome, whole, wall: whole - (outcome.total_s - outcome.elapsed_s) };
    };
    const down = (): Promise<unknown> =>
      execa(join(projectRoot, "scripts/olympus"), ["lab", "down", "--yes"], { env, stderr: "inherit" });

    try {
      let cold: Awaited<ReturnType<typeof quickstart>> | undefined;
      if (withCold) {
        cold = await quickstart("cold");
        await down();
        await rm(state.OLYMPUS_STATE, { recursive: true, force: true });
      }
      const warm = await quickstart("warm");
      const repeat = await quickstart("repeated");
      return {
        ...(cold === undefined
          ? {}
          : { cold_s: { value: cold.wall, unit: "s", bound: 1500, better: "lower" as const } }),
        warm_s: { value: warm.wall, unit: "s", bound: 480, better: "lower" },
        repeat_s: { value: repeat.wall, unit: "s", bound: 60, better: "lower" },
        repeat_changed: { value: repeat.changed, unit: "changes", bound: 0, better: "lower" },
        warm_whole_s: { value: warm.whole, unit: "s", better: "lower" },
        ...(warm.flow === undefined
          ? {}
          : { flow_s: { value: warm.flow.elapsed_s, unit: "s", better: "lower" as const, note: "under emulation" } }),
        ack_ms: { value: warm.mention_to_ack_ms, unit: "ms", better: "lower", note: "under emulation" },
        answer_ms: { value: warm.mention_to_answer_ms, unit: "ms", better: "lower", note: "under emulation" },
      };
    } finally {
      await down();
      await rm(folder, { recursive: true, force: true });
    }
  },
};
