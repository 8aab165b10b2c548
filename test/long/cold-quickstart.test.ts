import { expect, it } from "vitest";
import { silentReporter } from "../../src/base/report.ts";
import { bench } from "../../src/bench/quickstart.ts";

it("answers from empty caches, again from full ones, and then changes nothing", async () => {
  const figures = await bench.run({ reporter: silentReporter(), seed: 1, signal: AbortSignal.timeout(7_000_000) });
  // Past vitest's capture, which prints nothing of a test that passes under some reporters.
  for (const [name, { value, unit }] of Object.entries(figures)) process.stderr.write(`${name} ${value} ${unit}\n`);
  // Times are the benchmark's business; here it counts that all three runs ended with an answer, each with less work than the one before.
  expect(figures.cold_s!.value).toBeGreaterThan(figures.warm_s!.value);
  expect(figures.warm_s!.value).toBeGreaterThan(figures.repeat_s!.value);
  expect(figures.repeat_changed!.value).toBe(0);
});
