import { expect, test } from "vitest";
import { leadsOut } from "./links.ts";

test.each([
  ["a/link", "../README.md", false],
  ["a/b/link", "./.././../c//d", false],
  ["a/link", "..", false],
  ["link", ".", false],
  ["link", "d/e", false],
  ["link", "..", true],
  ["a/link", "../../x", true],
  ["link", "/etc/passwd", true],
  // With d -> . this is ../x.
  ["link", "d/d/../../x", true],
  ["a/link", "../a/../b", true],
])("a link %s to %s leads out: %s", (path, target, out) => {
  expect(leadsOut(path, target)).toBe(out);
});
