import { statfs } from "node:fs/promises";
import { availableParallelism, freemem, loadavg } from "node:os";
import type { AgentConfig } from "../config.ts";
import type { Store } from "../store/open.ts";
import { spentSince } from "../store/steps.ts";
import { dayStart } from "../zone.ts";

const MiB = 1024 * 1024;
/** Load for each processor above which nothing new is begun. */
const mostLoad = 4;

/** Why no new issue is to be claimed now; undefined when there is room for one. */
export async function obstacleToWork(config: AgentConfig, store: Store, now: number): Promise<string | undefined> {
  const { sandbox, budget, dataDir, timezone } = config;
  const load = loadavg()[0]! / availableParallelism();
  if (load > mostLoad) return `the load is ${load.toFixed(1)} for each processor`;
  if (freemem() < (sandbox?.memory ?? 0) * MiB * 0.25) return "there is little memory left";
  const { bavail, bsize } = await statfs(dataDir);
  if (bavail * bsize < ((sandbox?.disk ?? 0) / 2 + 256) * MiB) return "there is little disk left";
  const { usd, tokens } = spentSince(store, dayStart(now, timezone));
  if (usd >= budget.day * 0.95) return "the day's budget is nearly used up";
  if (budget.dayTokens !== undefined && tokens >= budget.dayTokens * 0.95) return "the day's tokens are nearly used up";
  return undefined;
}
