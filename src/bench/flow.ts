import { setTimeout as wait } from "node:timers/promises";
import { type Flow, flowAgents, flowRepo, openFlow } from "../../test/support/flow.ts";
import { withStep } from "../base/report.ts";
import type { Exchange } from "../rehearsal/forge/api.ts";
import { type Benchmark, type Figure, median, percentile } from "./bench.ts";
import { looking } from "./flow-looking.ts";

const issues = 3;
/** Without news for so long it is over, ms. */
const patience = 180_000;

/** The whole way from a mention to a merge, and what it costs to see a forge without its webhooks. */
export const bench: Benchmark = {
  name: "flow",
  summary: "from a mention to a merge: requests, seconds outside the model; what looking without webhooks costs",

  async run({ reporter, signal }): Promise<Record<string, Figure>> {
    const { merged, requests, outside } = await withStep(
      reporter,
      `${issues} issues, one after the other`,
      async () => {
        const value = await wholeWays(signal);
        return { value, summary: `${value.merged} merged` };
      },
    );
    const looks = await withStep(reporter, "8 agents look at 5 repositories", async () => {
      const value = await looking(signal);
      return { value, summary: `${value.minutes} minutes in ${Math.round((value.minutes * 60) / value.scale)} s` };
    });
    const compressed = `webhooks off, ${looks.minutes} minutes at scale ${looks.scale}, ${looks.changes} changes`;
    return {
      merged: { value: merged, unit: "pull requests", bound: issues, better: "higher", note: `of ${issues} mentions` },
      requests_per_issue: {
        value: requests / Math.max(1, merged),
        unit: "requests",
        better: "lower",
        note: "of both agents, those that count, from mention to merge, looking included",
      },
      outside_model_s: {
        value: median(outside),
        unit: "s",
        better: "lower",
        note: "from mention to pull request; the model answers at once",
      },
      poll_share: {
        value: looks.share,
        unit: "of 5,000/h",
        bound: 0.2,
        better: "lower",
        note: `${compressed}; the worst token`,
      },
      detect_p95_s: { value: percentile(looks.seconds, 0.95), unit: "s", bound: 30, better: "lower", note: compressed },
    };
  },
};

async function wholeWays(signal: AbortSignal) {
  let opened = 0;
  const observe = ({ method, route, status }: Exchange) => {
    if (method === "POST" && route.endsWith("/pulls") && status === 201) opened = Date.now();
  };
  const flow = await openFlow(observe);
  try {
    const before = await used(flow);
    const outside: number[] = [];
    for (let n = 0; n < issues; n++) {
      const post = await flow.team.say(
        flow.team.people.alice,
        flow.team.channels.work!,
        "@athena please open an issue",
      );
      await told(flow, post.id, /waits for an approval/, signal);
      outside.push((opened - post.create_at) / 1000);
      const alice = flow.as("alice");
      const [pull] = (await alice.pulls.list({ ...flowRepo, state: "open" })).data;
      const approval = { pull_number: pull!.number, event: "APPROVE", commit_id: pull!.head.sha } as const;
      await alice.pulls.createReview({ ...flowRepo, ...approval });
      await told(flow, post.id, /^Merged /, signal);
    }
    const { data } = await flow.as("alice").pulls.list({ ...flowRepo, state: "closed" });
    return {
      merged: data.filter(({ merged_at }) => merged_at !== null).length,
      requests: (await used(flow)) - before,
      outside,
    };
  } finally {
    await flow.end();
  }
}

/** Waits until somebody says it in a thread. */
async function told(flow: Flow, rootId: string, words: RegExp, signal: AbortSignal): Promise<void> {
  for (const until = Date.now() + patience; ; ) {
    signal.throwIfAborted();
    const said = await flow.said(rootId);
    if (said.some(({ text }) => words.test(text))) return;
    if (Date.now() > until) throw new Error(`nobody said ${words} in ${patience / 1000} s: ${JSON.stringify(said)}`);
    await wait(100);
  }
}

/** Requests that the forge counted for the agents. */
async function used(flow: Flow): Promise<number> {
  const rates = await Promise.all(flowAgents.map((agent) => flow.as(agent).rateLimit.get()));
  return rates.reduce((sum, { data }) => sum + data.rate.used, 0);
}
