import { type Drift, driftOf } from "../converge/drift.ts";
import { historyStamp, localHistory } from "../converge/history.ts";

/** Of the team that was asked about last. */
let kept: { readonly stamp: string; readonly drifts: ReadonlyMap<string, Drift> } | undefined;

/** Drift of a team's hosts as this computer knows it. Read anew only when that changed: each watched host asks for it every few seconds. */
export function knownDrifts(team: string): ReadonlyMap<string, Drift> {
  const stamp = historyStamp(team);
  if (kept?.stamp !== stamp) kept = { stamp, drifts: driftOf(localHistory(team)) };
  return kept.drifts;
}
