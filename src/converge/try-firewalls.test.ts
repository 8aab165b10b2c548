import { expect, test } from "vitest";
import { marksFor } from "./try-firewalls.ts";

test("marks are four bytes, all different, and none of them ends a line", () => {
  const marks = marksFor(6000);
  expect(new Set(marks).size).toBe(6000);
  for (const mark of marks) expect(mark.toString(16)).toMatch(/^4f4c(?!0a)..(?!0a)..$/);
});
