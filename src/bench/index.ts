import type { Benchmark } from "./bench.ts";

/** Every benchmark: `npm run -s bench -- <name> --json`. */
export const benchmarks: Readonly<Record<string, { summary: string; load: () => Promise<{ bench: Benchmark }> }>> = {
  harness: {
    summary: "the harness's memory, idle and after 100 mentions, time to connect, size of the bundle",
    load: () => import("./harness.ts"),
  },
  mention: {
    summary: "from a mention to its acknowledgement and to the first model request",
    load: () => import("./mention.ts"),
  },
};
