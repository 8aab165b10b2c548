/** `0.6 s`, `41 s`. */
export function formatSeconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}

/** A moment in UTC: `2026-11-23 07:12`. */
export const minuteOf = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace("T", " ");
