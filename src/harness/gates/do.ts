import type { Doer } from "../forge-work.ts";
import { type KeeperParts, keep } from "./keeper.ts";

/** Brings a pull request that this agent looks after one step on. What there is to say is said in its thread, where it has one. */
export function gateDoer(parts: KeeperParts): Doer {
  return (run, { repo, number }) => keep(parts, run.id, repo, number);
}
