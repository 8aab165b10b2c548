import { expect, test } from "vitest";
import { choose, type Hand } from "./open-work.ts";
import { readPlan } from "./plan.ts";

const part = (title: string, more: object = {}) => ({ title, body: `do ${title}`, ...more });

test("a plan of two to ten parts with title and body is one; what is not is none", () => {
  const two = [part("a", { priority: "P1", lens: "ux" }), part("b")];
  expect(readPlan({ parts: two })).toEqual(two);
  const many = (count: number) => Array.from({ length: count }, (_, n) => part(`part ${n}`));
  expect(readPlan({ parts: many(10) })).toHaveLength(10);
  for (const parts of [
    undefined,
    "first this, then that",
    {},
    [],
    many(1),
    many(11),
    [part("a"), part("A")],
    [part("a"), { title: "b" }],
    [part("a"), { title: " ", body: "b" }],
    [part("a"), part("b", { priority: "now" })],
    [part("a"), part("b", { body: ["b"] })],
  ])
    expect(readPlan({ parts })).toBeUndefined();
  expect(readPlan(null)).toBeUndefined();
});

test("work goes to whoever has least to do; what somebody looks at first counts as two pieces less", () => {
  const hand = (name: string, load: number, lenses: string[] = []): Hand => ({ name, login: name, lenses, load });
  const name = (hands: Hand[], lens?: string) => choose(hands, lens)?.name;
  expect(name([])).toBeUndefined();
  expect(name([hand("a", 2), hand("b", 1), hand("c", 1)])).toBe("b");
  expect(name([hand("a", 1, ["ux"]), hand("b", 0)], "ux")).toBe("a");
  expect(name([hand("a", 1, ["ux"]), hand("b", 0)], "security")).toBe("b");
  expect(name([hand("a", 3, ["ux"]), hand("b", 0)], "ux")).toBe("b");
});
