import { generateToken } from "../../secrets/generate.ts";
import { exitCodes, messageOf } from "../base/errors.ts";
import { trustDashboard } from "../bootstrap/trust.ts";
import { dashboardUrl } from "../team/dashboard.ts";
import {
  applyToAgents,
  endedValueOf,
  endOld,
  forgetEnded,
  oldValueOf,
  type RotateContext,
  type Rotation,
  replaceValue,
  rotationError,
} from "./rotation.ts";

/** A dashboard's token. In between the agent lets in bearers of either, so that nobody's bookmark or script is cut off half-way. */
export function dashboardRotation(agent: string, context: RotateContext): Rotation {
  const { team, secrets, signal } = context;
  const path = `agents.${agent}.dashboard`;
  const machine = team.machines.find(({ name }) => name === agent)!;
  const url = dashboardUrl(machine);
  // OpenClaw knows one token at a time, and lets nobody in but from its own machine.
  const seen = machine.agent?.runtime !== "openclaw";
  return {
    name: path,
    users: [`${agent}'s dashboard`],
    overlap: seen ? "both tokens are let in until the new one was tried" : "none: the new token replaces the old one",
    begun: () => (oldValueOf(secrets, path) ?? endedValueOf(secrets, path)) !== undefined,
    begin: () => replaceValue(secrets, path, generateToken()),
    deliver: () => applyToAgents([agent], context),
    verify: async () => {
      trustDashboard(machine, secrets);
      if (seen) await expectAnswer(url, secrets.require(path).reveal(), true, signal);
    },
    async finish() {
      const old = await endOld(secrets, path);
      await applyToAgents([agent], context);
      trustDashboard(machine, secrets);
      if (seen) await expectAnswer(url, old, false, signal);
      await forgetEnded(secrets, path);
    },
  };
}

/** Whether the dashboard lets a token in. Throws E-ROTATE when it does not behave as `welcome` says, or is not there (exit 4). */
async function expectAnswer(url: string, token: string, welcome: boolean, signal: AbortSignal): Promise<void> {
  const status = await statusWith(url, token, signal);
  if (status === (welcome ? 200 : 401)) return;
  throw rotationError(`the dashboard answers HTTP ${status} to the ${welcome ? "new" : "old"} token`, url);
}

async function statusWith(url: string, token: string, signal: AbortSignal): Promise<number> {
  try {
    const response = await fetch(`${url}/api/status`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
    });
    await response.body?.cancel();
    return response.status;
  } catch (cause) {
    signal.throwIfAborted();
    const why = cause instanceof Error && cause.cause !== undefined ? messageOf(cause.cause) : messageOf(cause);
    throw rotationError(`the dashboard does not answer: ${why}`, url, { exit: exitCodes.unreachable, cause });
  }
}
