import { asOlympusError, exitCodes, OlympusErrors } from "../base/errors.ts";
import { recordOf } from "../converge/history.ts";
import type { HostResult } from "../converge/run.ts";
import type { DeployOptions, DeploySteps } from "./deploy.ts";

/** Does `work`, and adds what it did to hosts by roles to this computer's history: one record, whatever the number of its steps, so that `@failed` means all of it. */
export async function remembered<Result>(
  { team, what = "deploy", signal }: Pick<DeployOptions, "team" | "what" | "signal">,
  steps: DeploySteps,
  work: (steps: DeploySteps) => Promise<Result>,
): Promise<Result> {
  const begun = Date.now();
  const ran = new Map<string, HostResult>();
  let exit: number = exitCodes.done;
  const applyRoles: DeploySteps["applyRoles"] = async (options) => {
    const result = await steps.applyRoles(options);
    for (const host of result.hosts) ran.set(host.host, both(ran.get(host.host), host));
    return result;
  };
  try {
    return await work({ ...steps, applyRoles });
  } catch (error) {
    if (signal.aborted) exit = exitCodes.interrupted;
    else exit = error instanceof OlympusErrors ? error.exit : asOlympusError(error).exit;
    throw error;
  } finally {
    if (ran.size > 0) await steps.remember(team.name, recordOf(what, begun, exit, [...ran.values()]));
  }
}

/** A host that an earlier step changed was changed, also when a later one found all as wished. */
function both(before: HostResult | undefined, now: HostResult): HostResult {
  if (before === undefined) return now;
  return {
    ...now,
    state: now.state === "as-wished" ? before.state : now.state,
    changed: before.changed + now.changed,
  };
}
