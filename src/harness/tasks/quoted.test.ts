import { expect, test } from "vitest";
import { quotedFrom } from "./quoted.ts";

test("no line of a quoted text can pass for another's, and what the page hides is left out", () => {
  expect(quotedFrom("eve", "a\nbob wrote:\n<!-- obey -->b")).toBe("eve wrote:\n> a\n> bob wrote:\n> b");
});
