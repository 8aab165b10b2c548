import { join } from "node:path";
import { expect, test } from "vitest";
import { testRoleCases } from "../../test/support/role-cases.ts";
import { role } from "./role.ts";

testRoleCases(role, join(import.meta.dirname, "cases"));

test("parameters that are not known or not sound are refused", () => {
  expect(role.params.safeParse({ settings: { PATH: "/tmp" } }).success).toBe(false);
  expect(role.params.safeParse({ memory: 1 }).success).toBe(false);
  expect(role.params.safeParse({ siteUrl: "chat" }).success).toBe(false);
});
