import { expect, test } from "vitest";
import { readable } from "./readable.ts";

test("what would hide is shown as escapes; colours go", () => {
  expect(readable("a\u200Bb\u202Ec\u{E0041}d\u0000\u001B[31mred\u001B[0m\r\n\tend")).toBe(
    "a\\u{200b}b\\u{202e}c\\u{e0041}d\\u{0}red\n\tend",
  );
});

test("pictures that are joined stay one; a joiner elsewhere is shown", () => {
  expect(readable("👩‍💻 👨🏽‍🚀 ❤️‍🔥")).toBe("👩‍💻 👨🏽‍🚀 ❤️‍🔥");
  expect(readable("a\u200Db \u200D👩 👩\u200D.")).toBe("a\\u{200d}b \\u{200d}👩 👩\\u{200d}.");
});
