import { generateToken } from "../../secrets/generate.ts";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { forgetOld, oldValueOf, type RotateContext, type Rotation, replaceValue } from "./rotation.ts";

const port = 18789;

/** A dashboard's token. In between the agent lets in bearers of either, so that nobody's bookmark or script is cut off half-way. */
export function dashboardRotation(agent: string, context: RotateContext): Rotation {
  const { team, secrets, signal, apply } = context;
  const path = `agents.${agent}.dashboard`;
  const machine = team.machines.find(({ name }) => name === agent)!;
  const url = `http://${machine.address}:${port}`;
  return {
    name: path,
    users: [`${agent}'s dashboard`],
    overlap: "both tokens are let in until the new one was tried",
    begun: () => oldValueOf(secrets, path) !== undefined,
    begin: () => replaceValue(secrets, path, generateToken()),
    deliver: () => apply("agent", [agent]),
    verify: () => expectAnswer(url, secrets.require(path).reveal(), true, signal),
    async finish() {
      const old = oldValueOf(secrets, path)!;
      // The agent's unit is given the old token for as long as it stands among the secrets: taken away, but not yet saved.
      secrets.delete(`rotation.${path}`);
      await apply("agent", [agent]);
      await expectAnswer(url, old, false, signal);
      await forgetOld(secrets, path);
    },
  };
}

/** Whether the dashboard lets a token in. Throws E-ROTATE when it does not behave as `welcome` says. */
export async function expectAnswer(url: string, token: string, welcome: boolean, signal: AbortSignal): Promise<void> {
  const response = await fetch(`${url}/api/status`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
  });
  await response.body?.cancel();
  if (response.status === (welcome ? 200 : 401)) return;
  throw new OlympusError(`the dashboard answers HTTP ${response.status} to the ${welcome ? "new" : "old"} token`, {
    code: "E-ROTATE",
    exit: exitCodes.failed,
    where: url,
    hint: "Run the same command again: it goes on where it was.",
  });
}
