import { withStep } from "../base/report.ts";
import { type Benchmark, type Figure, percentile } from "./bench.ts";
import { loadNote, othersWork } from "./load.ts";
import { storm } from "./storm.ts";

const size = { mentions: 1000, cuts: 50, kills: 20, restarts: 10, whileDown: 100 };
/** An hour of the agent being down, and by how much it is shortened. */
const scale = 120;
const downMs = 3600_000 / scale;

export const bench: Benchmark = {
  name: "mentions",
  summary:
    "a thousand mentions through cut connections, kills, restarts and an hour of downtime: lost, doubled, disordered",

  async run({ reporter, seed, signal }): Promise<Record<string, Figure>> {
    const busy = loadNote([await othersWork(signal)]);
    const what = `${size.mentions} mentions, ${size.cuts} cut connections, ${size.kills} kill -9, ${size.restarts} restarts of Mattermost, an hour down in ${downMs / 1000} s (scale ${scale}), seed ${seed}`;
    const result = await withStep(reporter, what, async (step) => {
      const value = await storm(seed, size, downMs, { signal, progress: (text) => step.update(text) });
      return { value, summary: `${value.answers} answers, ${value.lost} lost, ${value.doubled} doubled` };
    });
    const note = [`of those not written while it was down; all faults included`, busy].filter(Boolean).join("; ");
    const count = (value: number): Figure => ({ value, unit: "", bound: 0, better: "lower" });
    return {
      answers: {
        value: result.answers,
        unit: "",
        bound: size.mentions,
        better: "higher",
        note: `downtime at scale ${scale}`,
      },
      lost: count(result.lost),
      doubled: count(result.doubled),
      disordered: count(result.disordered),
      ack_p95_ms: { value: percentile(result.acks, 0.95), unit: "ms", better: "lower", note },
      ack_p50_ms: { value: percentile(result.acks, 0.5), unit: "ms", better: "lower" },
      answer_p95_ms: { value: percentile(result.answered, 0.95), unit: "ms", better: "lower", note },
      answer_p50_ms: { value: percentile(result.answered, 0.5), unit: "ms", better: "lower" },
    };
  },
};
