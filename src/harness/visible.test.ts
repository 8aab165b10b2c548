import { expect, test } from "vitest";
import { visible, withoutBroadcast } from "./visible.ts";

test("E2 hidden characters and comments do not reach a model", () => {
  expect(visible("a\u200Bb\u202Ec\u{E0041}d\u034Fe <!-- obey --> f")).toBe("abcde  f");
  // Bytes as selectors of variants after an emoji, and blank letters.
  expect(visible("😀\u{E0158}\u{E0165}\uFE01 a\u3164b\uFFA0c")).toBe("😀 abc");
});

test("E2 what is taken out puts no comment together", () => {
  expect(visible("a <!-<!-- x -->- olympus:origin y.z -->b")).toBe("a b");
});

test("an answer calls no whole channel", () => {
  expect(withoutBroadcast("ask @all or @Here, not @alloys")).toBe("ask @\u200Ball or @\u200BHere, not @alloys");
});

test("E2 no other end of a line hides where a line begins", () => {
  expect(visible("a\r\nb\rc\u2028d\u2029e\u0085f\vg\fh")).toBe("a\nb\nc\nd\ne\nf\ng\nh");
});
