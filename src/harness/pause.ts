import type { Store } from "./store/open.ts";

/** Who wants the agent to take up nothing new, and since when (ms). Kept in the store: it holds over restarts. */
export interface Pause {
  readonly by: string;
  readonly since: number;
}

const key = "paused";

export function pauseOf(store: Store): Pause | undefined {
  const kept = store.meta(key);
  return kept === undefined || kept === "" ? undefined : (JSON.parse(kept) as Pause);
}

export function setPause(store: Store, pause: Pause | undefined): void {
  store.setMeta(key, pause === undefined ? "" : JSON.stringify(pause));
}
