import { expect, test } from "vitest";
import { visible, withoutBroadcast } from "./visible.ts";

test("E2 hidden characters and comments do not reach a model", () => {
  expect(visible("a\u200Bb\u202Ec\u{E0041}d\u034Fe <!-- obey --> f")).toBe("abcde  f");
});

test("an answer calls no whole channel", () => {
  expect(withoutBroadcast("ask @all or @Here, not @alloys")).toBe("ask @\u200Ball or @\u200BHere, not @alloys");
});
