/** Calendar time at a place, on the machine's own time-zone data. Months and days count from 1. */
export interface PlaceTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** What the clock on the wall shows at `at` (ms since the epoch). */
export function placeTime(at: number, timezone: string): PlaceTime {
  let format = formats.get(timezone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone: timezone,
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
      hourCycle: "h23",
    });
    formats.set(timezone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const { year, month, day, hour, minute, second } = parts as unknown as PlaceTime;
  return { year, month, day, hour, minute, second };
}

const asUtc = ({ year, month, day, hour, minute, second }: PlaceTime): number =>
  Date.UTC(year, month - 1, day, hour, minute, second);

/**
 * When the wall clock shows this time (ms since the epoch): the first of both where a clock is set back, the moment of the change where
 * it is set forward over it. Fields may be out of range: day 32 is the next month's.
 */
export function atPlace(time: PlaceTime, timezone: string): number {
  const wanted = asUtc(time);
  const offset = (at: number): number => asUtc(placeTime(at, timezone)) - Math.floor(at / 1000) * 1000;
  const around = [offset(wanted - 86_400_000), offset(wanted + 86_400_000)];
  const fits = around.map((shift) => wanted - shift).filter((at) => at + offset(at) === wanted);
  if (fits.length > 0) return Math.min(...fits);
  // The wall clock jumps over it: the first moment whose own time is not before it.
  let before = wanted - Math.max(...around);
  let after = wanted - Math.min(...around);
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (middle + offset(middle) >= wanted) after = middle;
    else before = middle;
  }
  return after;
}

/** The first moment of the day that `now` is in, ms. */
export function dayStart(now: number, timezone: string): number {
  return atPlace({ ...placeTime(now, timezone), hour: 0, minute: 0, second: 0 }, timezone);
}

/** `2026-11-21`: the day that `at` is in. */
export function dayName(at: number, timezone: string): string {
  const { year, month, day } = placeTime(at, timezone);
  return `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
}

/** The day that was `days` days before the one that `at` is in. */
export function dayBefore(at: number, days: number, timezone: string): string {
  const today = placeTime(at, timezone);
  return dayName(atPlace({ ...today, day: today.day - days, hour: 12 }, timezone), timezone);
}
