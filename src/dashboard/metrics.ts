import { modelName } from "../harness/model-port.ts";
import { answerBounds } from "../harness/store/look-sums.ts";
import type { Look } from "./look.ts";
import { isReady } from "./status.ts";

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number, suffix?: string];

interface Metric {
  readonly name: string;
  readonly type: "gauge" | "counter" | "histogram";
  readonly help: string;
  readonly samples: (look: Look, known: Known) => readonly Sample[];
}

type Known = { readonly status: ReturnType<Look["status"]>; readonly totals: ReturnType<Look["totals"]> };

const gauge = (name: string, help: string, value: (known: Known, look: Look) => number): Metric => ({
  name: `olympus_agent_${name}`,
  type: "gauge",
  help,
  samples: (look, known) => [[{}, value(known, look)]],
});

/** Everything that /metrics says: docs/reference/dashboard.md has the same list. A label's values are few and the agent's own. */
export const metrics: readonly Metric[] = [
  {
    name: "olympus_agent_info",
    type: "gauge",
    help: "1, with who it is.",
    samples: (_, { status }) => [[{ agent: status.agent, team: status.team }, 1]],
  },
  gauge("ready", "1 when connected to the chat with nothing unread, as /readyz.", ({ status }) =>
    Number(isReady(status)),
  ),
  gauge(
    "start_time_seconds",
    "When the process started, seconds since the epoch.",
    ({ status }) => status.startedAt / 1000,
  ),
  gauge("resident_memory_bytes", "Memory of the process.", ({ status }) => Math.round(status.memoryMb * 1e6)),
  gauge("disk_free_bytes", "Free space where the agent's data is.", (_, look) => look.disk().free),
  gauge("inbox_waiting", "Mentions that wait for their thread or a slot.", ({ status }) => status.harness.waiting),
  gauge("runs_open", "Runs under way.", ({ status }) => status.harness.running.length),
  gauge("outbox_pending", "Posts to be delivered.", ({ status }) => status.harness.undelivered),
  gauge("spent_today_usd", "Cost of today's model calls.", ({ status }) => status.spentToday),
  gauge("budget_day_usd", "What a day may cost.", ({ status }) => status.budgetDay),
  gauge("forge_troubles", "Repositories that it cannot see on the forge.", ({ status }) => status.forge?.length ?? 0),
  {
    name: "olympus_agent_model_failing",
    type: "gauge",
    help: "1 for a model that is left alone because calls failed, or that refuses the key.",
    samples: (look, { status }) =>
      look.config.models.map((choice): Sample => {
        const { provider, model } = choice;
        return [{ provider, model }, Number(status.harness.failing.some((one) => one.model === modelName(choice)))];
      }),
  },
  {
    name: "olympus_agent_runs_total",
    type: "counter",
    help: "Runs that are over, by how they ended.",
    samples: (_, { totals }) =>
      ["done", "failed"].map((state) => [{ state }, totals.runs.find((one) => one.state === state)?.n ?? 0]),
  },
  {
    name: "olympus_agent_model_calls_total",
    type: "counter",
    help: "Calls to models, by model and what came of them.",
    samples: (_, { totals }) =>
      totals.calls.flatMap(({ provider, model, calls, failed }): Sample[] => [
        [{ provider, model, outcome: "ok" }, calls - failed],
        [{ provider, model, outcome: "failed" }, failed],
      ]),
  },
  {
    name: "olympus_agent_model_cost_usd_total",
    type: "counter",
    help: "Cost of calls to models that are over.",
    samples: (_, { totals }) => totals.calls.map(({ provider, model, usd }): Sample => [{ provider, model }, usd]),
  },
  {
    name: "olympus_agent_model_tokens_total",
    type: "counter",
    help: "Tokens sent to models and got from them.",
    samples: (_, { totals }) =>
      totals.calls.flatMap(({ provider, model, input, output }): Sample[] => [
        [{ provider, model, direction: "in" }, input],
        [{ provider, model, direction: "out" }, output],
      ]),
  },
  {
    name: "olympus_agent_mention_to_answer_seconds",
    type: "histogram",
    help: "From taking a mention in to the first post of its answer.",
    samples: (_, { totals: { answers } }) => [
      ...answerBounds.map((bound, index): Sample => [{ le: String(bound) }, answers.within[index]!, "_bucket"]),
      [{ le: "+Inf" }, answers.n, "_bucket"],
      [{}, answers.sum, "_sum"],
      [{}, answers.n, "_count"],
    ],
  },
];

/** Prometheus' text format, version 0.0.4. */
export function metricsText(look: Look): string {
  const known = { status: look.status(), totals: look.totals() };
  return metrics
    .map(({ name, type, help, samples }) => {
      const lines = samples(look, known).map(
        ([labels, value, suffix = ""]) => `${name}${suffix}${labelsOf(labels)} ${value}\n`,
      );
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
    })
    .join("");
}

function labelsOf(labels: Readonly<Record<string, string>>): string {
  const written = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`,
  );
  return written.length === 0 ? "" : `{${written.join(",")}}`;
}
