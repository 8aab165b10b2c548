import { expect, test } from "vitest";
import { OlympusError, OlympusErrors } from "../base/errors.ts";
import { programError } from "./program-error.ts";

test("an error for people keeps place and hint, and has no stack in the engine's eyes", () => {
  const error = programError(new OlympusError("bad", { code: "E-A", where: "team.yaml:1:2", hint: "fix it" }));
  expect(error).toMatchObject({ message: "E-A: bad\n  at team.yaml:1:2\n  fix it", __pulumiRunError: true });
});

test("several errors are all shown", () => {
  const errors = ["one", "two"].map((message) => new OlympusError(message, { code: "E-A" }));
  expect(programError(new OlympusErrors("together", errors))).toMatchObject({ message: "E-A: one\nE-A: two" });
});

test("any other error stays itself", () => {
  const error = new TypeError("x is not a function");
  expect(programError(error)).toBe(error);
});
