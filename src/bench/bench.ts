import { cpus, totalmem } from "node:os";
import type { Reporter } from "../base/report.ts";

/** One measured number with the bound that it is held against. */
export interface Figure {
  readonly value: number;
  readonly unit: string;
  /** The number to reach; left out where nothing was promised. */
  readonly bound?: number;
  readonly better: "lower" | "higher";
  /** What the number does not say by itself: "under emulation", "peer not measured in this run". */
  readonly note?: string;
}

export interface BenchOptions {
  readonly reporter: Reporter;
  /** Makes a run repeatable where something is drawn by chance. */
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** A file in src/bench exports one as `bench`. Figure keys are the ones that the issues and the docs name. */
export interface Benchmark {
  readonly name: string;
  readonly summary: string;
  run(options: BenchOptions): Promise<Record<string, Figure>>;
}

/** The object that `--json` prints: see docs/reference/benchmarks.md. */
export interface BenchResult {
  readonly bench: string;
  readonly machine: {
    readonly cpus: number;
    readonly model: string;
    readonly memory_gb: number;
    readonly node: string;
  };
  readonly seed: number;
  readonly figures: Record<string, Figure & { readonly ok: boolean }>;
}

/** Whether a figure keeps its bound; a figure without one always does. */
export function isWithinBound({ value, bound, better }: Figure): boolean {
  if (bound === undefined) return true;
  return better === "lower" ? value <= bound : value >= bound;
}

export function benchResult(name: string, seed: number, figures: Record<string, Figure>): BenchResult {
  return {
    bench: name,
    machine: {
      cpus: cpus().length,
      model: cpus()[0]?.model.trim() ?? "unknown",
      memory_gb: Math.round(totalmem() / 1e9),
      node: process.version,
    },
    seed,
    figures: Object.fromEntries(
      Object.entries(figures).map(([key, figure]) => [
        key,
        { ...figure, value: roundTo(figure.value, 3), ok: isWithinBound(figure) },
      ]),
    ),
  };
}

/** A table for people: key, value, bound, kept or missed. */
export function benchTable(result: BenchResult): string {
  const rows = Object.entries(result.figures).map(([key, figure]) => [
    key,
    `${figure.value} ${figure.unit}`,
    figure.bound === undefined ? "" : `${figure.better === "lower" ? "<=" : ">="} ${figure.bound}`,
    figure.bound === undefined ? "" : figure.ok ? "kept" : "MISSED",
    figure.note ?? "",
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** The p-th percentile (0..1) by the nearest-rank rule. Throws on an empty list. */
export function percentile(values: readonly number[], p: number): number {
  if (values.length === 0) throw new RangeError("percentile of nothing");
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))]!;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

function roundTo(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
