import { join } from "node:path";
import { expect, test } from "vitest";
import { testRoleCases } from "../../test/support/role-cases.ts";
import { role } from "./role.ts";

testRoleCases(role, join(import.meta.dirname, "cases"));

test("parameters that would end up in a shell's words are refused", () => {
  expect(role.params.safeParse({ to: "vault", folders: ["/srv/x; rm -rf /"] }).success).toBe(false);
  expect(role.params.safeParse({ to: "vault", databases: ["a b"] }).success).toBe(false);
  expect(role.params.safeParse({ to: "vault", schedule: "daily\nExecStart=x" }).success).toBe(false);
  expect(role.params.safeParse({ keepDays: 0 }).success).toBe(false);
});
