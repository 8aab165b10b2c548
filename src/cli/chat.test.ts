import { expect, test } from "vitest";
import { addressee } from "./chat.ts";

test.each<[string[], { agent: string; text: string }]>([
  [["@athena", "hello"], { agent: "athena", text: "hello" }],
  [["@athena", "hello", "there"], { agent: "athena", text: "hello there" }],
  [["@Athena", "hello"], { agent: "athena", text: "hello" }],
  [["good morning @hermes, how are you?"], { agent: "hermes", text: "good morning @hermes, how are you?" }],
])("%j", (words, expected) => {
  expect(addressee(words, ["athena", "hermes"])).toEqual(expected);
});

test("one agent needs no name; several do; text has to be there", () => {
  expect(addressee(["hello"], ["athena"])).toEqual({ agent: "athena", text: "hello" });
  expect(() => addressee(["hello"], ["athena", "hermes"])).toThrow("no agent is named");
  expect(() => addressee(["mail athena@example.org"], ["athena", "hermes"])).toThrow("no agent is named");
  expect(() => addressee(["hermes", "hello"], ["athena", "hermes"])).toThrow(
    expect.objectContaining({ hint: "Did you mean @hermes?" }),
  );
  expect(() => addressee(["@athena"], ["athena"])).toThrow("there is no text");
});
