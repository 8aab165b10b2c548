import type * as z from "zod";
import type { SecretStore } from "../../secrets/store.ts";
import { messageOf } from "../base/errors.ts";
import { trustDashboard } from "../bootstrap/trust.ts";
import { dashboardUrl } from "../team/dashboard.ts";
import type { LoadedTeam, Machine } from "../team/model.ts";
import { mustKnow } from "../team/unknown.ts";
import { oneConnection, saidNothing, whyUnreached } from "./reach.ts";

const askTimeoutMs = 5_000;

/** Agents' machines, or only those named. Throws E-UNKNOWN for a name that is none. */
export function agentsNamed(team: LoadedTeam, names: readonly string[]): Machine[] {
  const agents = team.machines.filter(({ agent }) => agent !== undefined);
  const known = agents.map((machine) => machine.name);
  for (const name of names) mustKnow("agent", name, known, team.file);
  return agents.filter(({ name }) => names.length === 0 || names.includes(name));
}

/**
 * Asks an agent's dashboard, `/api/cost?days=7`, with the token of the secrets. `silent`: of the host nothing came at all. Without an answer, or with one that is none of these, in
 * words why: any program may listen there, and say anything. Throws only the signal's reason.
 */
export async function askDashboard<T>(
  machine: Machine,
  secrets: SecretStore,
  path: string,
  answers: z.ZodType<T>,
  signal: AbortSignal,
  port?: number,
): Promise<{ answer: T; unreached: undefined } | { answer: undefined; unreached: string; silent: boolean }> {
  const { name, agent } = machine;
  const url = dashboardUrl(machine, port);
  const place = new URL(url).host;
  const none = (unreached: string, silent = false) => ({ answer: undefined, unreached, silent });
  if (agent?.runtime === "openclaw") return none("OpenClaw keeps its own books");
  try {
    const token = secrets.require(`agents.${name}.dashboard`);
    trustDashboard(machine, secrets);
    const response = await fetch(`${url}${path}`, {
      headers: { ...oneConnection, authorization: `Bearer ${token.reveal()}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(askTimeoutMs)]),
    });
    if (!response.ok) {
      await response.body?.cancel();
      return none(refusedBecause(response.status));
    }
    const { data, error } = answers.safeParse(await response.json().catch(unlessCut));
    return error === undefined ? { answer: data, unreached: undefined } : none(oddAnswer(error));
  } catch (error) {
    signal.throwIfAborted();
    const known = error instanceof Error && "code" in error && String(error.code).startsWith("E-");
    return known ? none(messageOf(error)) : none(whyUnreached(error, place, askTimeoutMs / 1000), saidNothing(error));
  }
}

/** What is no JSON is no answer. */
function unlessCut(error: unknown): undefined {
  if (!(error instanceof SyntaxError)) throw error;
}

/** Of an answer that could not be read, where it begins to be another one. */
export function oddAnswer({ issues: [issue] }: z.ZodError): string {
  return `its answer is not what an agent says${issue!.path.length > 0 ? ` (${issue!.path.join(".")})` : ""}`;
}

function refusedBecause(status: number): string {
  if (status === 401) return "it does not take the dashboard token of the secrets: npm run role -- setup agent";
  if (status === 404) return "its harness is older than this command: npm run role -- setup agent";
  return `it answers HTTP ${status}`;
}
