import { join } from "node:path";
import { expect, test } from "vitest";
import type { RoleContext } from "../../src/converge/types.ts";
import { testRoleCases } from "../../test/support/role-cases.ts";
import { role } from "./role.ts";

testRoleCases(role, join(import.meta.dirname, "cases"));

test("the version is the image's own, unless the team file says another; too old ones are refused", () => {
  const on = (image: string) => ({ host: { name: "agora", machine: { image } } }) as unknown as RoleContext;
  expect(role.inputs(on("debian-12"), role.params.parse({}))).toEqual({ version: 15 });
  expect(role.inputs(on("ubuntu-22.04"), role.params.parse({}))).toEqual({ version: 14 });
  expect(role.inputs(on("ubuntu-24.04"), role.params.parse({}))).toEqual({ version: 16 });
  expect(role.inputs(on("debian-12"), role.params.parse({ version: 16 }))).toEqual({ version: 16 });
  expect(() => role.inputs(on("plan9"), role.params.parse({}))).toThrow(
    expect.objectContaining({ code: "E-POSTGRESQL-VERSION" }),
  );
  expect(role.params.safeParse({ version: 13 }).success).toBe(false);
  expect(role.params.safeParse({ maxConections: 10 }).success).toBe(false);
});

test("#39 a PostgreSQL that the chat does not take is refused before anything connects, with both versions", () => {
  const refused = role.params.safeParse({ version: 13 });
  expect(refused.error?.issues[0]?.message).toBe("PostgreSQL 13 is too old: the chat wants 14 or newer.");
  const old = { host: { name: "agora", machine: { image: "debian-11" } } } as unknown as RoleContext;
  expect(() => role.inputs(old, role.params.parse({}))).toThrow(/debian-11 packages PostgreSQL 13.*wants 14/);
});
