import { join } from "node:path";
import { expect, test } from "vitest";
import { testRoleCases } from "../../test/support/role-cases.ts";
import { role } from "./role.ts";

testRoleCases(role, join(import.meta.dirname, "cases"));

test("names of authorities become file names, so they are checked", () => {
  expect(role.params.safeParse({ authorities: { "../x": "PEM" } }).success).toBe(false);
  expect(role.params.safeParse({ package: ["jq"] }).success).toBe(false);
});
