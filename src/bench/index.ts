import type { Benchmark } from "./bench.ts";

/** Every benchmark: `npm run -s bench -- <name> --json`. */
export const benchmarks: Readonly<Record<string, { summary: string; load: () => Promise<{ bench: Benchmark }> }>> = {
  quickstart: {
    summary: "cold, warm and repeated quickstart, whole process",
    load: () => import("./quickstart.ts"),
  },
  stack: {
    summary: "no-change pulumi preview of three VMs, and npx olympus plan of 18 and 200 agents",
    load: () => import("./stack.ts"),
  },
  roles: {
    summary: "forty operations of roles with nothing to do and for the first time, beside pyinfra and Ansible",
    load: () => import("./roles.ts"),
  },
  harness: {
    summary: "the harness's memory, idle and after 100 mentions, time to connect, size of the bundle",
    load: () => import("./harness.ts"),
  },
  mention: {
    summary: "from a mention to its acknowledgement and to the first model request",
    load: () => import("./mention.ts"),
  },
  idle: {
    summary: "memory and processor of a harness that nobody asks for anything, and its model calls of a day",
    load: () => import("./idle.ts"),
  },
  soak: {
    summary: "how the harness's memory grows over 2,000 mentions",
    load: () => import("./soak.ts"),
  },
  mentions: {
    summary: "a thousand mentions through cut connections, kills, restarts and downtime: lost, doubled, disordered",
    load: () => import("./mentions.ts"),
  },
  dashboard: {
    summary: "the dashboard's pages over 10,000 runs, what those who look on cost, status of a team",
    load: () => import("./dashboard.ts"),
  },
  sandbox: {
    summary: "what the sandbox costs a command, and what hostile commands leave behind",
    load: () => import("./sandbox.ts"),
  },
  canary: {
    summary: "secrets planted everywhere, a model that looks for them and tells them: bytes that get out",
    load: () => import("./canary.ts"),
  },
  flow: {
    summary: "from a mention to a merge: requests, seconds outside the model; what looking without webhooks costs",
    load: () => import("./flow.ts"),
  },
  gates: {
    summary:
      "attempts to merge, push to the default branch, open a gate, pass a lens or get a token out without a person who may",
    load: () => import("./gates.ts"),
  },
};
