import { statfs } from "node:fs/promises";
import { availableParallelism, freemem, loadavg } from "node:os";
import { dayUsedUp } from "../budget.ts";
import type { AgentConfig } from "../config.ts";
import type { Store } from "../store/open.ts";
import { spentSince } from "../store/steps.ts";
import { dayStart } from "../zone.ts";

const MiB = 1024 * 1024;
/** Load for each processor above which nothing new is begun. */
const mostLoad = 4;

/** Why no new issue is to be claimed now; undefined when there is room for one. */
export async function obstacleToWork(config: AgentConfig, store: Store, now: number): Promise<string | undefined> {
  const { sandbox, dataDir } = config;
  const load = loadavg()[0]! / availableParallelism();
  if (load > mostLoad) return `the load is ${load.toFixed(1)} for each processor`;
  if (freemem() < (sandbox?.memory ?? 0) * MiB * 0.25) return "there is little memory left";
  const { bavail, bsize } = await statfs(dataDir);
  if (bavail * bsize < ((sandbox?.disk ?? 0) / 2 + 256) * MiB) return "there is little disk left";
  const used = dayUsedUp(spentSince(store, dayStart(now, config.timezone)), config);
  return used === undefined ? undefined : `the day's ${used} ${used === "tokens" ? "are" : "is"} nearly used up`;
}
