import type { SecretStore } from "../../secrets/store.ts";
import { messageOf } from "../base/errors.ts";
import type { DayCost } from "../harness/store/costs.ts";
import type { LoadedTeam } from "../team/model.ts";
import { mustKnow } from "../team/unknown.ts";
import { whyUnreached } from "./reach.ts";

const dashboardPort = 18789;
const askTimeoutMs = 5_000;

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
  const agents = team.machines.filter(({ agent }) => agent !== undefined);
  for (const name of options.names)
    mustKnow(
      "agent",
      name,
      agents.map((machine) => machine.name),
      team.file,
    );
  const meant = agents.filter(({ name }) => options.names.length === 0 || options.names.includes(name));
  return Promise.all(
    meant.map(async ({ name, address, agent }) => {
      const place = `${address}:${options.port ?? dashboardPort}`;
      if (agent?.runtime === "openclaw") return { agent: name, days: [], unreached: "OpenClaw keeps its own books" };
      try {
        const token = secrets.require(`agents.${name}.dashboard`);
        const response = await fetch(`http://${place}/api/cost?days=${options.days}`, {
          headers: { authorization: `Bearer ${token.reveal()}` },
          signal: AbortSignal.any([signal, AbortSignal.timeout(askTimeoutMs)]),
        });
        if (!response.ok) {
          await response.body?.cancel();
          return { agent: name, days: [], unreached: refusedBecause(response.status) };
        }
        const { days } = (await response.json()) as { days: DayCost[] };
        return { agent: name, days, unreached: undefined };
      } catch (error) {
        signal.throwIfAborted();
        const known = error instanceof Error && "code" in error && String(error.code).startsWith("E-");
        const why = known ? messageOf(error) : whyUnreached(error, place, askTimeoutMs / 1000);
        return { agent: name, days: [], unreached: why };
      }
    }),
  );
}

function refusedBecause(status: number): string {
  if (status === 401) return "it does not take the dashboard token of the secrets: npm run role -- setup agent";
  if (status === 404) return "its harness is older than this command: npm run role -- setup agent";
  return `it answers HTTP ${status}`;
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
