import { describe, expect, test } from "vitest";
import { askedOf, assign, keeperOf, type Reviewer } from "./assign.ts";

/** As `login:load:lenses`. */
const team = (text: string): Reviewer[] =>
  text.split(" ").map((one) => {
    const [login = "", load, lenses = ""] = one.split(":");
    return { name: login, login, load: Number(load), lenses: lenses.split(",").filter(Boolean) };
  });

describe("who wears which lens", () => {
  const cases = [
    { why: "who looks at it first, whatever is before him", team: "a:0 b:9:ux c:0", lenses: "ux", is: "b" },
    { why: "of those who look at it first, who has the least to do", team: "a:3:ux b:2:ux c:0", lenses: "ux", is: "b" },
    { why: "where nobody looks at it first, who has the least to do", team: "a:3:ux b:1 c:2", lenses: "perf", is: "b" },
    { why: "never the author, however idle", team: "Author:0:ux a:9", lenses: "ux", is: "a" },
    { why: "nobody, where there is only the author", team: "AUTHOR:0:ux", lenses: "ux", is: "-" },
    { why: "what was given in this round counts", team: "a:0 b:1", lenses: "l1 l2 l3", is: "a ? ?" },
    { why: "each to whom it suits", team: "a:5:ux b:5:perf c:0", lenses: "ux perf docs", is: "a b c" },
    { why: "more lenses than agents: shared out", team: "a:0 b:0", lenses: "l1 l2 l3 l4", is: "? ? ? ?" },
  ];
  test.each(cases)("$why", ({ team: text, lenses, is }) => {
    const wanted = lenses.split(" ");
    const given = assign(wanted, team(text), "author", "o/r#1");
    const got = wanted.map((lens) => given.get(lens)?.login ?? "-");
    expect(got).toEqual(is.split(" ").map((one, n) => (one === "?" ? got[n] : one)));
    expect(got).not.toContain("author");
  });

  test("equals are drawn alike by everybody, and shared out", () => {
    const equals = team("a:0 b:0");
    const drawn = assign(["l1", "l2", "l3", "l4"], equals, "author", "o/r#1");
    expect(assign(["l1", "l2", "l3", "l4"], [...equals].reverse(), "author", "o/r#1")).toEqual(drawn);
    expect([...drawn.values()].map(({ login }) => login).sort()).toEqual(["a", "a", "b", "b"]);
    const over = Array.from({ length: 20 }, (_, n) => assign(["ux"], equals, "x", `o/r#${n}`).get("ux")!.login);
    expect(new Set(over)).toEqual(new Set(["a", "b"]));
  });
});

test("what somebody was asked for is counted by login, whatever its case", () => {
  const pulls = [["Apollo", "athena"], [], ["apollo"]].map((requestedReviewers) => ({ requestedReviewers }));
  expect(["apollo", "ATHENA", "hermes"].map((login) => askedOf(pulls, login))).toEqual([2, 1, 0]);
});

test("a pull request is looked after by its author, or by one of the team whom everybody finds alone", () => {
  expect(keeperOf(["athena", "apollo"], "Apollo", "o/r#1")).toBe("apollo");
  const found = keeperOf(["athena", "apollo"], "stranger", "o/r#1");
  expect(keeperOf(["apollo", "athena"], "stranger", "O/R#1")).toBe(found);
  expect(keeperOf([], "stranger", "o/r#1")).toBeUndefined();
});
