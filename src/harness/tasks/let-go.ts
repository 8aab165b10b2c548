import { messageOf } from "../../base/errors.ts";
import { ForgeError } from "../forge-port.ts";
import { runOutcome } from "../store/runs.ts";
import { holds, release } from "./claim.ts";
import { type ForgeParts, needsHuman } from "./parts.ts";
import { changeWork, dropWork, leftWork, type WorkRow, workOf } from "./table.ts";

/**
 * Lets go of issues that this agent claimed and does not go on with by itself: a person stopped the run, or it failed. They get the label
 * for people and are free for whoever is asked next; nobody begins them unasked. May be repeated at any time.
 */
export async function letGo(parts: ForgeParts, signal: AbortSignal): Promise<void> {
  const { store, log } = parts;
  for (const work of leftWork(store)) {
    const { repo, number } = work;
    try {
      await letGoOf(parts, work, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ForgeError && error.kind === "missing") dropWork(store, repo, number);
      else log.warn({ issue: `${repo}#${number}`, error: messageOf(error) }, "cannot let go of it, will try again");
    }
  }
}

async function letGoOf(parts: ForgeParts, work: WorkRow, signal: AbortSignal): Promise<void> {
  const { forge, store, clock } = parts;
  const { repo, number, branch, run, comment } = work;
  const change = (what: Parameters<typeof changeWork>[3]): void => {
    // Begun again meanwhile, it is another run's.
    if (workOf(store, repo, number)?.run === run) changeWork(store, repo, number, what, clock.now());
  };
  const open = (await forge.pullsOf(repo, branch)).find(({ state }) => state === "open");
  // The run ended between its last two steps.
  if (open !== undefined) return change({ state: "opened", pull: open.number });
  if (await holds(parts, work)) {
    await forge.addLabels(repo, number, [needsHuman]);
    const why = `I do not go on with this by myself (${runOutcome(store, run) ?? "it failed"}): a person has to say how. Until then it is free.`;
    await release(parts, repo, number, { claim: comment!, why, quiet: true }, signal);
  }
  change({ state: "human", comment: null });
}
