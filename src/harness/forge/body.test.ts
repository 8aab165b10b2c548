import { expect, test } from "vitest";
import { fitting } from "./body.ts";

test("a body that is too long is cut before the marks at its end", () => {
  const marks = "\n\n<!-- olympus:origin YWJj.abc -->\n<!-- olympus:outcome ZGVm.def -->";
  const whole = `${"x".repeat(100_000)}${marks}`;
  const cut = fitting(whole);
  expect(cut).toHaveLength(65_536);
  expect(cut.endsWith(`too long for GitHub._${marks}`)).toBe(true);
  expect(fitting(`short${marks}`)).toBe(`short${marks}`);
  expect(fitting("y".repeat(70_000))).toMatch(/^y+\n\n_This was cut here.*_$/s);
});
