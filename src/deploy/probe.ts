import type { SecretStore } from "../../secrets/store.ts";
import { exitCodes, OlympusError } from "../base/errors.ts";
import type { Step } from "../base/report.ts";
import { trustDashboard } from "../bootstrap/trust.ts";
import { whyUnreached } from "../status/reach.ts";
import { dashboardUrl } from "../team/dashboard.ts";
import type { LoadedTeam, Machine } from "../team/model.ts";

/**
 * Waits until every agent's harness says that it is ready: chat connected, store open. Asks each once a second.
 * Throws E-AGENT-READY naming those that are not, with what they answered last.
 */
export async function waitUntilReady({
  team,
  secrets,
  agents,
  step,
  signal,
  deadlineMs = 90_000,
}: {
  team: LoadedTeam;
  secrets: SecretStore;
  agents: readonly string[];
  step: Step;
  signal: AbortSignal;
  deadlineMs?: number;
}): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  for (const name of agents) trustDashboard(machineIn(team, name), secrets);
  const waiting = new Map(agents.map((name) => [name, "no answer yet"]));
  while (waiting.size > 0) {
    signal.throwIfAborted();
    step.update(`waiting for ${[...waiting.keys()].join(", ")}`);
    await Promise.all(
      [...waiting.keys()].map(async (name) => {
        const answer = await askReady(dashboardUrl(machineIn(team, name)));
        if (answer === "ready") waiting.delete(name);
        else waiting.set(name, answer);
      }),
    );
    if (waiting.size === 0) return;
    if (Date.now() > deadline) {
      const list = [...waiting].map(([name, answer]) => `${name}: ${answer}`).join("; ");
      throw new OlympusError(`agents are not ready: ${list}`, {
        code: "E-AGENT-READY",
        exit: exitCodes.failed,
        hint: `npx olympus logs ${[...waiting.keys()][0]}`,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

function machineIn(team: LoadedTeam, name: string): Machine {
  const machine = team.machines.find((one) => one.name === name);
  if (machine === undefined) throw new RangeError(`${name} is no machine of this team`);
  return machine;
}

async function askReady(url: string): Promise<string> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(3_000) });
    await response.body?.cancel();
    return response.ok ? "ready" : `runs, but is not connected to the chat (HTTP ${response.status})`;
  } catch (error) {
    return whyUnreached(error, new URL(url).host, 3);
  }
}
