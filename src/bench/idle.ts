import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { callsOfADay } from "../../test/support/idle-day.ts";
import { withStep } from "../base/report.ts";
import { agentLab } from "./agent-lab.ts";
import type { Benchmark, Figure } from "./bench.ts";
import { loadNote, othersWork } from "./load.ts";

const minutes = Number(process.env.OLYMPUS_BENCH_MINUTES ?? 10);

export const bench: Benchmark = {
  name: "idle",
  summary: "memory and processor of a connected harness that nobody asks for anything, and its model calls of a day",

  async run({ reporter, signal }): Promise<Record<string, Figure>> {
    const busy = loadNote([await othersWork(signal)]);
    const lab = await agentLab();
    try {
      const agent = await lab.start();
      // What the start takes is not idleness.
      await wait(5_000, undefined, { signal });
      const began = { at: performance.now(), cpu: cpuSeconds(agent.pid) };
      await withStep(reporter, `idle for ${minutes} minutes`, async () => {
        await wait(minutes * 60_000, undefined, { signal });
        return { value: undefined, summary: `${agent.rssMb().toFixed(1)} MB` };
      });
      const seconds = (performance.now() - began.at) / 1000;
      const share = (cpuSeconds(agent.pid) - began.cpu) / seconds;
      const note = [`${minutes} minutes, chat connected`, busy].filter(Boolean).join("; ");
      const calls = await withStep(reporter, "a day of an injected clock", async () => {
        const value = await callsOfADay(5);
        return { value, summary: `${value} model calls` };
      });
      return {
        rss_mb: { value: agent.rssMb(), unit: "MB", bound: 85, better: "lower", note },
        cpu_share: { value: share * 100, unit: "% of a core", better: "lower", note },
        model_calls: {
          value: calls + lab.model.calls.length,
          unit: "calls",
          bound: 0,
          better: "lower",
          note: "with memory, quiet hours and a schedule of another day",
        },
      };
    } finally {
      await lab.end();
    }
  },
};

/** Processor time of a process, user and system. */
function cpuSeconds(pid: number): number {
  const [, rest] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
  // utime and stime are the 14th and 15th field of all, in ticks of a hundredth.
  const fields = rest!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
