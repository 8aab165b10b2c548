/** The small sister of the benchmark `mentions`, with another seed each time; a seed that failed is tried again by OLYMPUS_SEED. */
import { expect, test } from "vitest";
import { storm } from "../../src/bench/storm.ts";

const seed = Number(process.env.OLYMPUS_SEED ?? Math.floor(Math.random() * 2 ** 31));
const size = { mentions: 150, cuts: 8, kills: 4, restarts: 2, whileDown: 20 };
/** An hour, at scale 1,200. */
const downMs = 3_000;

test("150 mentions through cut connections, kills, restarts and a downtime: each answered once, in order", async () => {
  process.stderr.write(`harness-mentions: seed ${seed}, an hour of downtime in ${downMs / 1000} s (scale 1200)\n`);
  const never = new AbortController().signal;
  const { mentions, answers, lost, doubled, disordered } = await storm(seed, size, downMs, {
    signal: never,
    progress: () => undefined,
  });
  expect({ mentions, answers, lost, doubled, disordered }, `OLYMPUS_SEED=${seed}`).toEqual({
    mentions: 150,
    answers: 150,
    lost: 0,
    doubled: 0,
    disordered: 0,
  });
}, 600_000);
