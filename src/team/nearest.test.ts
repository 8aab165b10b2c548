import { expect, it } from "vitest";
import { knownWords, nearest } from "./nearest.ts";

it.each([
  ["mediun", ["light", "medium", "heavy"], "medium"],
  ["Medium", ["light", "medium", "heavy"], "medium"],
  ["temlpate", ["template", "data"], "template"],
  ["postgres", ["postgresql", "mattermost"], "postgresql"],
  ["xyz", ["light", "medium"], undefined],
  ["a".repeat(5000), ["light"], undefined],
])("%s", (word, known, meant) => {
  expect(nearest(word, known)).toBe(meant);
});

it("cuts long lists", () => {
  const many = Array.from({ length: 200 }, (_, index) => `agent-${index}`);
  expect(knownWords("zzzzzz", many)).toMatch(/agent-15 and 184 more\.$/);
  expect(knownWords("agnet-7", many)).toBe("Did you mean agent-7?");
});
