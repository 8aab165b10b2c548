import { setTimeout as wait } from "node:timers/promises";
import { withStep } from "../base/report.ts";
import { buildBundle } from "../harness/bundle.ts";
import { agentLab } from "./agent-lab.ts";
import { type Benchmark, type Figure, median } from "./bench.ts";

const idleSeconds = 60;
const mentions = 100;
const starts = 5;

export const bench: Benchmark = {
  name: "harness",
  summary: "memory idle and after 100 mentions, time to connect, size of the bundle",

  async run({ reporter, signal }): Promise<Record<string, Figure>> {
    const { bytes } = await buildBundle("harness");
    const lab = await agentLab();
    try {
      const connect: number[] = [];
      await withStep(reporter, `start ${starts} times`, async (step) => {
        for (let start = 0; start < starts; start++) {
          const agent = await lab.start();
          connect.push(agent.readyAfterMs / 1000);
          step.update(`${agent.readyAfterMs.toFixed(0)} ms`);
          await agent.stop();
        }
        return { value: undefined, summary: `${(median(connect) * 1000).toFixed(0)} ms until connected` };
      });
      const agent = await lab.start();
      const idle = await withStep(reporter, `idle for ${idleSeconds} s`, async () => {
        await wait(idleSeconds * 1000, undefined, { signal });
        const value = agent.rssMb();
        return { value, summary: `${value.toFixed(1)} MB` };
      });
      const after = await withStep(reporter, `${mentions} mentions`, async () => {
        const { team } = lab;
        for (let mention = 0; mention < mentions; mention++) {
          signal.throwIfAborted();
          const post = await team.say(team.people.alice, team.channels.work!, `@athena hello ${mention}`);
          await team.answers(post.id, team.bots.athena!);
        }
        const value = agent.rssMb();
        return { value, summary: `${value.toFixed(1)} MB` };
      });
      return {
        idle_rss_mb: { value: idle, unit: "MB", bound: 85, better: "lower", note: "60 s after start, chat connected" },
        after_100_rss_mb: { value: after, unit: "MB", bound: 110, better: "lower" },
        connect_s: {
          value: median(connect),
          unit: "s",
          bound: 1,
          better: "lower",
          note: `median of ${starts} starts, until ready`,
        },
        bundle_mb: { value: bytes / 1e6, unit: "MB", bound: 3, better: "lower" },
      };
    } finally {
      await lab.end();
    }
  },
};
