import { expect, it } from "vitest";
import { plural } from "./plural.ts";

it("one is one, and nothing is many", () => {
  expect([0, 1, 2, 1234].map((value) => plural(value, "check"))).toEqual([
    "0 checks",
    "1 check",
    "2 checks",
    "1,234 checks",
  ]);
  expect(plural(2, "process", "processes")).toBe("2 processes");
});
