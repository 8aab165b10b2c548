import { withStep } from "../base/report.ts";
import { agentLab } from "./agent-lab.ts";
import type { Benchmark, Figure } from "./bench.ts";
import { loadNote, othersWork } from "./load.ts";

const mentions = Number(process.env.OLYMPUS_BENCH_MENTIONS ?? 2000);
/** What is loaded with the first mentions is not growth. */
const warmUp = mentions / 4;
const every = 25;

export const bench: Benchmark = {
  name: "soak",
  summary: "how the harness's memory grows over 2,000 mentions",

  async run({ reporter, signal }): Promise<Record<string, Figure>> {
    const busy = loadNote([await othersWork(signal)]);
    const lab = await agentLab();
    try {
      const { team } = lab;
      const agent = await lab.start();
      const samples: [mention: number, mb: number][] = [];
      await withStep(reporter, `${mentions} mentions`, async (step) => {
        for (let mention = 1; mention <= mentions; mention++) {
          signal.throwIfAborted();
          const channel = mention % 2 === 0 ? team.channels.work! : team.channels.talk!;
          const post = await team.say(team.people.alice, channel, `@athena hello, this is mention ${mention}.`);
          await team.answers(post.id, team.bots.athena!, 1, 60);
          if (mention % every === 0) samples.push([mention, agent.rssMb()]);
          if (mention % 200 === 0) step.update(`${mention} answered, ${agent.rssMb().toFixed(1)} MB`);
        }
        return { value: undefined, summary: `${agent.rssMb().toFixed(1)} MB at the end` };
      });
      const steady = samples.filter(([mention]) => mention > warmUp);
      const note = [`line through ${steady.length} samples after the first ${warmUp} mentions`, busy]
        .filter(Boolean)
        .join("; ");
      return {
        slope_mb_per_1000: { value: slope(steady) * 1000, unit: "MB", bound: 2, better: "lower", note },
        rss_mb: { value: Math.max(...steady.map(([, mb]) => mb)), unit: "MB", better: "lower", note: "the most" },
      };
    } finally {
      await lab.end();
    }
  },
};

/** Of the line with the least squares of distances. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (values: number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;
  const [x, y] = [mean(points.map(([one]) => one)), mean(points.map(([, one]) => one))];
  const over = points.reduce((sum, [px, py]) => sum + (px - x) * (py - y), 0);
  return over / points.reduce((sum, [px]) => sum + (px - x) ** 2, 0);
}
