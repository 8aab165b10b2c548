import { join } from "node:path";
import { expect, test } from "vitest";
import { testRoleCases } from "../../test/support/role-cases.ts";
import { role } from "./role.ts";

testRoleCases(role, join(import.meta.dirname, "cases"));

test("a person whose login Olympus uses too keeps the keys that are there", () => {
  const people = [{ name: "operator", keys: ["ssh-ed25519 AAAA operator"], admin: true, shared: true as const }];
  const made = role.setup(
    { name: "r420", domain: "internal", timezone: "Etc/UTC", hosts: [], people },
    role.params.parse({}),
  );
  expect(made.filter(({ id }) => id.includes("operator"))).toEqual([
    { kind: "authorized-keys", id: "keys-operator", user: "operator", keys: people[0]!.keys },
  ]);
});

test("names of authorities become file names, so they are checked", () => {
  expect(role.params.safeParse({ authorities: { "../x": "PEM" } }).success).toBe(false);
  expect(role.params.safeParse({ package: ["jq"] }).success).toBe(false);
});
