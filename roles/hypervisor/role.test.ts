import { join } from "node:path";
import { expect, test } from "vitest";
import { testRoleCases } from "../../test/support/role-cases.ts";
import { role } from "./role.ts";

testRoleCases(role, join(import.meta.dirname, "cases"));

test("names that end up in commands are looked at", () => {
  expect(role.params.safeParse({ poolPath: "/srv/x y" }).success).toBe(false);
  expect(role.params.safeParse({ users: ["a;b"] }).success).toBe(false);
  expect(role.params.safeParse({ bridge: { interface: "eno1; reboot", by: "netplan" } }).success).toBe(false);
  expect(role.params.safeParse({ bridge: { interface: "eno1", by: "hand" } }).success).toBe(false);
});
