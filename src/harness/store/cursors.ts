import type { Store } from "./open.ts";

/** How far a channel has been read (server's time, ms); undefined for a channel never seen. */
export function cursorOf(store: Store, source: string, channel: string): number | undefined {
  return store.get<{ at: number }>("SELECT at FROM cursors WHERE source = ? AND channel = ?", source, channel)?.at;
}

/** Moves a cursor forward, never back. */
export function advanceCursor(store: Store, source: string, channel: string, at: number): void {
  store.run(
    `INSERT INTO cursors VALUES (?, ?, ?) ON CONFLICT (source, channel) DO UPDATE SET at = max(at, excluded.at)`,
    source,
    channel,
    at,
  );
}
