import { expect, test } from "vitest";
import { afterQuiet, newestDue } from "./schedule.ts";

const iso = (at: number): string => new Date(at).toISOString().slice(0, 16);
const at = (text: string): number => Date.parse(`${text}:00Z`);
const nights = { from: "20:00", to: "07:00", days: ["sunday" as const] };
const berlin = (pattern: string, quiet = true) => ({ at: pattern, timezone: "Europe/Berlin", quiet });

/** All times at which a schedule begins between two moments, looked at every ten minutes. */
function begun(schedule: ReturnType<typeof berlin>, from: string, to: string, quietHours?: typeof nights): string[] {
  const found: string[] = [];
  let after = at(from);
  for (let now = after; now <= at(to); now += 600_000) {
    const due = newestDue(schedule, quietHours, after, now);
    if (due === undefined) continue;
    found.push(`${iso(due.at)} ${iso(now)}`);
    after = due.at;
  }
  return found;
}

test("a time that the clock jumps over comes at the jump; one that it shows twice comes once", () => {
  expect(begun(berlin("30 2 * * *"), "2026-03-28T12:00", "2026-03-30T12:00")).toEqual([
    "2026-03-29T01:00 2026-03-29T01:00",
    "2026-03-30T00:30 2026-03-30T00:30",
  ]);
  expect(begun(berlin("30 2 * * *"), "2026-10-24T12:00", "2026-10-26T12:00")).toEqual([
    "2026-10-25T00:30 2026-10-25T00:30",
    "2026-10-26T01:30 2026-10-26T01:30",
  ]);
});

test("nine o'clock stays nine o'clock over the change", () => {
  expect(begun(berlin("0 9 * * *"), "2026-10-24T00:00", "2026-10-26T12:00").map((line) => line.slice(11, 16))).toEqual([
    "07:00",
    "08:00",
    "08:00",
  ]);
});

test("what falls into quiet hours waits for their end, and several of it are one", () => {
  // 22:00 in Berlin, a Friday: hourly through the night.
  expect(begun(berlin("0 * * * *"), "2026-11-20T18:30", "2026-11-21T08:30", nights)).toEqual([
    "2026-11-21T06:00 2026-11-21T06:00",
    "2026-11-21T07:00 2026-11-21T07:00",
    "2026-11-21T08:00 2026-11-21T08:00",
  ]);
  expect(begun(berlin("0 3 * * *"), "2026-11-20T18:30", "2026-11-21T08:30", nights)).toEqual([
    "2026-11-21T02:00 2026-11-21T06:00",
  ]);
  expect(begun(berlin("0 3 * * *", false), "2026-11-20T18:30", "2026-11-21T08:30", nights)).toEqual([
    "2026-11-21T02:00 2026-11-21T02:00",
  ]);
});

test("a quiet day is quiet as a whole, with the night behind it", () => {
  expect(iso(afterQuiet(at("2026-11-21T22:00"), nights, "Europe/Berlin"))).toBe("2026-11-23T06:00");
  expect(iso(afterQuiet(at("2026-11-20T12:00"), nights, "Europe/Berlin"))).toBe("2026-11-20T12:00");
  const all = { from: "00:00", to: "00:00", days: [] };
  expect(afterQuiet(at("2026-11-20T12:00"), all, "Europe/Berlin")).toBe(at("2026-11-20T12:00"));
});

test("quiet hours end when the wall clock says so, also on the night of a change", () => {
  expect(iso(afterQuiet(at("2026-10-24T22:00"), { ...nights, days: [] }, "Europe/Berlin"))).toBe("2026-10-25T06:00");
  expect(iso(afterQuiet(at("2026-03-28T22:00"), { ...nights, days: [] }, "Europe/Berlin"))).toBe("2026-03-29T05:00");
});

test("after downtime the newest time counts, unless it is too long ago", () => {
  const hourly = berlin("0 * * * *");
  const now = at("2026-11-20T15:30");
  expect(newestDue(hourly, undefined, now - 3 * 3600_000, now)).toMatchObject({
    at: at("2026-11-20T15:00"),
    late: false,
  });
  const daily = berlin("0 9 * * *");
  expect(newestDue(daily, undefined, now - 20 * 3600_000, now)).toMatchObject({
    at: at("2026-11-20T08:00"),
    late: true,
  });
});
