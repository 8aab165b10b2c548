import { Cron } from "croner";

/** Whether a pattern is one, and has a time to come. */
export function isCron(pattern: string): boolean {
  try {
    return new Cron(pattern, { paused: true, mode: "5-part" }).nextRun() !== null;
  } catch {
    return false;
  }
}
