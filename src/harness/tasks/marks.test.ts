import { expect, test } from "vitest";
import { Secret } from "../../base/secret.ts";
import { mark, markOf } from "./marks.ts";

const key = new Secret("forge.key", "k");
const place = { repo: "zeus/app", login: "athena" };

test("a mark verifies where and by whom it was written, among other text", () => {
  const text = `Hello\n\n${mark(key, "origin", place, { chain: "c", hops: 1 })}\nmore`;
  expect(markOf(key, "origin", { repo: "Zeus/App", login: "Athena" }, text)).toEqual({ chain: "c", hops: 1 });
});

test("copied, changed or signed by somebody else it is only text", () => {
  const text = mark(key, "origin", place, { hops: 1 });
  expect(markOf(key, "origin", { ...place, login: "stranger" }, text)).toBeUndefined();
  expect(markOf(key, "origin", { ...place, repo: "zeus/other" }, text)).toBeUndefined();
  expect(markOf(key, "claim", place, text.replace("origin", "claim"))).toBeUndefined();
  expect(markOf(new Secret("forge.key", "other"), "origin", place, text)).toBeUndefined();
  expect(markOf(key, "origin", place, text.replace(/ ey/, " ez"))).toBeUndefined();
  expect(markOf(key, "origin", place, text.replace(/\.[^ ]{5}/, "."))).toBeUndefined();
});
