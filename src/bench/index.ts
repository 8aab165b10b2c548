import type { Benchmark } from "./bench.ts";

/** Every benchmark: `npm run -s bench -- <name> --json`. */
export const benchmarks: Readonly<Record<string, { summary: string; load: () => Promise<{ bench: Benchmark }> }>> = {};
