import { join } from "node:path";
import { expect, test } from "vitest";
import { testRoleCases } from "../../test/support/role-cases.ts";
import { role } from "./role.ts";

testRoleCases(role, join(import.meta.dirname, "cases"));

test("parameters that would not fit into the files are refused", () => {
  expect(role.params.safeParse({ sshd: { "Permit Root": "no" } }).success).toBe(false);
  expect(role.params.safeParse({ sshd: { AllowUsers: "a\nb" } }).success).toBe(false);
  expect(role.params.safeParse({ ban: { time: "for ever" } }).success).toBe(false);
  expect(role.params.safeParse({ sysctl: { "a b": 1 } }).success).toBe(false);
});

test("#7 people's networks are exempt before there is anything that bans", () => {
  const operations = role.setup({ admin: ["10.0.0.0/8"], port: 22, rootLogin: false }, role.params.parse({}));
  const at = (id: string): number => operations.findIndex((one) => one.id === id);
  expect(at("exempt")).toBeLessThan(at("packages"));
  expect(at("sshd-exempt")).toBeLessThan(at("packages"));
});

test("#29 whatever could lock people out is guarded", () => {
  const operations = role.setup({ admin: ["10.0.0.0/8"], port: 22, rootLogin: false }, role.params.parse({}));
  const guarded = operations.filter(({ access }) => access === true).map(({ id }) => id);
  expect(guarded).toEqual(["sshd-include", "sshd"]);
});
