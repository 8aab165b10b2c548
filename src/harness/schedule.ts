import { Cron } from "croner";
import type { AgentConfig } from "./config.ts";
import { atPlace, placeTime } from "./zone.ts";

export type Schedule = AgentConfig["schedules"][number];
export type QuietHours = NonNullable<AgentConfig["quietHours"]>;

const weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"] as const;
const day = 86_400_000;
/** Times that lie further back are not looked at: quiet days in a row end before. */
const longestLook = 8 * day;
/** What could not be begun for so long (the agent was down) is left out: nobody waits for it any more. */
const latest = 6 * 3600_000;

/** A time of a schedule, ms: when it was due, and when it may begin, after the quiet hours that it fell into. */
export interface Due {
  readonly at: number;
  readonly begins: number;
}

/**
 * The newest time of a schedule after `after` (exclusive, ms) that may have begun by `now`; undefined when there is none. Of several,
 * as after quiet hours or downtime, only the newest counts: they are one piece of work. `late`: it is too late for it by now.
 * Clock changes: a time that the wall clock jumps over is the moment of the jump, one that it shows twice counts once.
 */
export function newestDue(
  { at: pattern, timezone, quiet }: Pick<Schedule, "at" | "timezone" | "quiet">,
  quietHours: QuietHours | undefined,
  after: number,
  now: number,
): (Due & { readonly late: boolean }) | undefined {
  const cron = new Cron(pattern, { paused: true, mode: "5-part", timezone });
  let newest: Due | undefined;
  let from = Math.max(after, now - longestLook);
  for (;;) {
    const next = cron.nextRun(new Date(from))?.getTime();
    if (next === undefined || next > now) break;
    const begins = quiet && quietHours !== undefined ? afterQuiet(next, quietHours, timezone) : next;
    if (begins > now) break;
    newest = { at: next, begins };
    from = next;
  }
  return newest && { ...newest, late: now - newest.begins > latest };
}

/** The first moment from `at` on that is not quiet, ms. */
export function afterQuiet(at: number, { from, to, days }: QuietHours, timezone: string): number {
  let moment = at;
  // A week holds no more changes than this; where every day is quiet, a schedule waits for ever a week at a time.
  for (let step = 0; step < 16; step++) {
    const time = placeTime(moment, timezone);
    const midnight = { ...time, hour: 0, minute: 0, second: 0 };
    const weekday = weekdays[new Date(Date.UTC(time.year, time.month - 1, time.day)).getUTCDay()]!;
    const minute = time.hour * 60 + time.minute;
    const [begin, end] = [minutesOf(from), minutesOf(to)];
    if (days.includes(weekday)) moment = atPlace({ ...midnight, day: time.day + 1 }, timezone);
    else if (begin <= end ? minute >= begin && minute < end : minute < end)
      moment = atPlace({ ...midnight, minute: end }, timezone);
    else if (begin > end && minute >= begin)
      moment = atPlace({ ...midnight, day: time.day + 1, minute: end }, timezone);
    else return moment;
  }
  return moment;
}

function minutesOf(clock: string): number {
  const [hours, minutes] = clock.split(":").map(Number) as [number, number];
  return hours * 60 + minutes;
}
