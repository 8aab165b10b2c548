import type { ForgePull } from "../forge-port.ts";
import type { Store } from "../store/open.ts";
import { wasPushed, workOfPull } from "../tasks/table.ts";

/**
 * Whether a pull request of this agent's holds commits that it did not push itself. Who pushed them the forge does not say for sure (authors
 * of commits are what somebody wrote there), so whoever approves could have written them. To be asked of every head: what others pushed is
 * not forgotten when the agent goes on from it.
 */
export function othersPushed(store: Store, repo: string, { number, head }: ForgePull): boolean {
  const key = `others-pushed:${repo.toLowerCase()}#${number}`;
  // A push of ours may be seen before the work's row has it. Without a row nothing is known to be ours.
  if (workOfPull(store, repo, number)?.head !== head.sha && !wasPushed(store, head.sha)) store.setMeta(key, head.sha);
  return store.meta(key) !== undefined;
}
