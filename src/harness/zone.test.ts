import { expect, test } from "vitest";
import { atPlace, dayBefore, dayName, dayStart } from "./zone.ts";

const iso = (at: number): string => new Date(at).toISOString();
const at = (hour: number, minute = 0, day = 29, month = 3, year = 2026) => ({
  year,
  month,
  day,
  hour,
  minute,
  second: 0,
});

test("a day begins at midnight of the configured place", () => {
  const now = Date.parse("2026-07-01T22:30:00Z");
  expect(iso(dayStart(now, "Europe/Berlin"))).toBe("2026-07-01T22:00:00.000Z");
  expect(iso(dayStart(now, "Etc/UTC"))).toBe("2026-07-01T00:00:00.000Z");
  expect(dayName(now, "Europe/Berlin")).toBe("2026-07-02");
});

test("on days with a clock change the day begins when the wall clock says so", () => {
  expect(iso(dayStart(Date.parse("2026-03-29T12:00:00Z"), "Europe/Berlin"))).toBe("2026-03-28T23:00:00.000Z");
  expect(iso(dayStart(Date.parse("2026-10-25T12:00:00Z"), "Europe/Berlin"))).toBe("2026-10-24T22:00:00.000Z");
});

test("where the change is at midnight, the day begins with what comes first", () => {
  // Cuba sets its clocks from 0:00 to 1:00.
  expect(iso(dayStart(Date.parse("2026-03-08T16:00:00Z"), "America/Havana"))).toBe("2026-03-08T05:00:00.000Z");
});

test("an hour that the wall clock jumps over is the moment of the jump; one that it shows twice is the first", () => {
  expect(iso(atPlace(at(2, 30), "Europe/Berlin"))).toBe("2026-03-29T01:00:00.000Z");
  expect(iso(atPlace(at(2, 30, 25, 10), "Europe/Berlin"))).toBe("2026-10-25T00:30:00.000Z");
  expect(iso(atPlace(at(8, 0, 32, 3), "Europe/Berlin"))).toBe("2026-04-01T06:00:00.000Z");
});

test("days are counted back over the month and over a clock change", () => {
  const now = Date.parse("2026-04-01T22:30:00Z");
  expect([0, 1, 3, 40].map((days) => dayBefore(now, days, "Europe/Berlin"))).toEqual([
    "2026-04-02",
    "2026-04-01",
    "2026-03-30",
    "2026-02-21",
  ]);
});
