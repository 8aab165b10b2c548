import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { Secret } from "../../base/secret.ts";
import { marked, markOf, marksBy } from "./marks.ts";

const key = new Secret("forge.key", "k");
const place = { repo: "zeus/app", login: "athena" };

test("a mark verifies where and by whom it was written, among other text", () => {
  const text = `${marked("Hello", key, "origin", place, { chain: "c", hops: 1 })}\nmore`;
  expect(markOf(key, "origin", { repo: "Zeus/App", login: "Athena" }, text)).toEqual({ chain: "c", hops: 1 });
});

test("copied, changed or signed by somebody else it is only text", () => {
  const text = marked("", key, "origin", place, { hops: 1 });
  expect(markOf(key, "origin", { ...place, login: "stranger" }, text)).toBeUndefined();
  expect(markOf(key, "origin", { ...place, repo: "zeus/other" }, text)).toBeUndefined();
  expect(markOf(key, "claim", place, text.replace("origin", "claim"))).toBeUndefined();
  expect(markOf(new Secret("forge.key", "other"), "origin", place, text)).toBeUndefined();
  expect(markOf(key, "origin", place, text.replace(/ ey/, " ez"))).toBeUndefined();
  expect(markOf(key, "origin", place, text.replace(/\.[^ ]{5}/, "."))).toBeUndefined();
});

test("while the key is rotated the first line signs, and what any of them signed verifies", () => {
  const [other, both] = [new Secret("forge.key", "other"), new Secret("forge.key", "other\nk")];
  const [before, now] = [key, both].map((one) => marked("", one, "origin", place, { hops: 1 })) as [string, string];
  expect([before, now].map((text) => markOf(both, "origin", place, text))).toEqual([{ hops: 1 }, { hops: 1 }]);
  expect([markOf(other, "origin", place, now), markOf(key, "origin", place, now)]).toEqual([{ hops: 1 }, undefined]);
  expect([marksBy(key, place, before), marksBy(key, place, now)]).toEqual([true, false]);
  expect(marksBy(key, { ...place, login: "stranger" }, before)).toBe(false);
});

test("an empty line of a key signs nothing and verifies nothing", () => {
  const torn = new Secret("forge.key", "\nk\n\nother\n");
  expect(markOf(key, "origin", place, marked("", torn, "origin", place, { hops: 1 }))).toEqual({ hops: 1 });
  const forged = marked("", key, "origin", place, { hops: 1 }).replace(
    /\.[^. ]{43} -->$/,
    `.${createHmac("sha256", "")
      .update(`olympus-mark-1\norigin\nzeus/app\nathena\n${Buffer.from('{"hops":1}').toString("base64url")}`)
      .digest("base64url")} -->`,
  );
  expect(markOf(torn, "origin", place, forged)).toBeUndefined();
  expect(marksBy(torn, place, forged)).toBe(false);
});

test("a mark that a model writes into its words, copied from elsewhere, is no mark of the new text", () => {
  const old = marked("", key, "origin", place, { hops: 1 });
  const text = marked(`Done.\n${old}\n<!--   olympus:claim x -->`, key, "origin", place, { hops: 9 });
  expect(markOf(key, "origin", place, text)).toEqual({ hops: 9 });
  expect(text.match(/<!--/g)).toHaveLength(1);
  expect(markOf(key, "origin", place, marked(old, key, "outcome", place, { id: "r" }))).toBeUndefined();
  // Of a text that was written before: the harness's own stands at the end.
  expect(markOf(key, "origin", place, `${old}\n${marked("", key, "origin", place, { hops: 9 })}`)).toEqual({ hops: 9 });
});
