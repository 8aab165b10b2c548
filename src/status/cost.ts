import type { SecretStore } from "../../secrets/store.ts";
import { costSchema } from "../dashboard/schemas.ts";
import type { DayCost } from "../harness/store/costs.ts";
import type { LoadedTeam } from "../team/model.ts";
import { agentsNamed, askDashboard } from "./ask-dashboard.ts";

/** What one agent's journal says, or in words why it could not be asked. */
export interface AgentCost {
  readonly agent: string;
  readonly days: readonly DayCost[];
  readonly unreached: string | undefined;
}

/** Asks every agent, or only those named, side by side. Throws E-UNKNOWN for a name that is none. */
export async function teamCost(
  team: LoadedTeam,
  secrets: SecretStore,
  options: { readonly days: number; readonly names: readonly string[]; readonly port?: number },
  signal: AbortSignal,
): Promise<AgentCost[]> {
  return Promise.all(
    agentsNamed(team, options.names).map(async (machine) => {
      const path = `/api/cost?days=${options.days}`;
      const { answer, unreached } = await askDashboard(machine, secrets, path, costSchema, signal, options.port);
      return { agent: machine.name, days: answer?.days ?? [], unreached };
    }),
  );
}

/** Sums of calls; `key` is an agent, a model or a day. */
export interface CostSum extends Omit<DayCost, "day" | "provider" | "model"> {
  readonly key: string;
}

export const costGroups = ["agent", "model", "day"] as const;
export type CostGroup = (typeof costGroups)[number];

/** One line a group; days in their order, the others with the dearest first. Pure. */
export function sumCosts(costs: readonly AgentCost[], by: CostGroup): CostSum[] {
  const rows = costs.flatMap(({ agent, days }) =>
    days.map((day) => ({ key: { agent, model: `${day.provider}/${day.model}`, day: day.day }[by], ...day })),
  );
  const sums = [...Map.groupBy(rows, ({ key }) => key)].map(([key, group]) => sumOf(key, group));
  return sums.sort((a, b) => (by === "day" ? 0 : b.usd - a.usd) || (a.key < b.key ? -1 : 1));
}

export function sumOf(key: string, rows: readonly Omit<DayCost, "day" | "provider" | "model">[]): CostSum {
  const sum = (field: "calls" | "failed" | "inputTokens" | "cachedTokens" | "outputTokens" | "usd" | "tookMs") =>
    rows.reduce((total, row) => total + row[field], 0);
  return {
    key,
    calls: sum("calls"),
    failed: sum("failed"),
    inputTokens: sum("inputTokens"),
    cachedTokens: sum("cachedTokens"),
    outputTokens: sum("outputTokens"),
    usd: sum("usd"),
    tookMs: sum("tookMs"),
  };
}
