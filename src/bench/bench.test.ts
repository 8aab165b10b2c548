import { describe, expect, it } from "vitest";
import { benchResult, benchTable, isWithinBound, median, percentile } from "./bench.ts";

describe("bench figures", () => {
  it.each([
    [{ value: 2, unit: "s", bound: 2, better: "lower" as const }, true],
    [{ value: 2.1, unit: "s", bound: 2, better: "lower" as const }, false],
    [{ value: 12, unit: "x", bound: 12, better: "higher" as const }, true],
    [{ value: 11, unit: "x", bound: 12, better: "higher" as const }, false],
    [{ value: 11, unit: "x", better: "higher" as const }, true],
  ])("holds %o against its bound: %s", (figure, kept) => {
    expect(isWithinBound(figure)).toBe(kept);
  });

  it("takes percentiles by nearest rank", () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(percentile(values, 0.95)).toBe(95);
    expect(median([3, 1, 2])).toBe(2);
    expect(() => percentile([], 0.5)).toThrow(RangeError);
  });

  it("names misses in the table", () => {
    const result = benchResult("stack", 7, { preview_s: { value: 3.00049, unit: "s", bound: 2.5, better: "lower" } });
    expect(result.figures.preview_s).toMatchObject({ value: 3, ok: false });
    expect(benchTable(result)).toBe("preview_s  3 s  <= 2.5  MISSED");
  });
});
