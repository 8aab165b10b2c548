import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Secret } from "../../src/base/secret.ts";
import type { Role } from "../../src/converge/types.ts";

/**
 * A case: what a role's `setup` is made from, and the operations that come out. `{"$secret": [name, value]}` in inputs is a Secret;
 * among the operations it shows as `[secret:name]`. OLYMPUS_WRITE_CASES=1 writes the operations instead of comparing them: read the diff.
 */
interface RoleCase {
  readonly params: unknown;
  readonly inputs: unknown;
  operations: unknown;
}

/** A test for each cases/*.json of a role. */
export function testRoleCases(role: Role, folder: string): void {
  for (const name of readdirSync(folder).sort()) {
    const file = join(folder, name);
    test(`${role.name}: ${name.replace(".json", "").replaceAll("-", " ")}`, async () => {
      const { params, inputs, operations } = JSON.parse(readFileSync(file, "utf8"), reviveSecrets) as RoleCase;
      const made = role.setup(inputs, role.params.parse(params));
      const plain = JSON.parse(JSON.stringify(made)) as unknown;
      if (process.env.OLYMPUS_WRITE_CASES) {
        const { writeFileSync } = await import("node:fs");
        const before = JSON.parse(readFileSync(file, "utf8")) as RoleCase;
        writeFileSync(file, `${JSON.stringify({ ...before, operations: plain }, undefined, 2)}\n`);
      } else {
        expect(plain).toEqual(operations);
      }
      // Pure: the same again. Unique names: two operations of one name would share their place in the journal.
      expect(role.setup(inputs, role.params.parse(params))).toEqual(made);
      expect(new Set(made.map(({ id }) => id)).size).toBe(made.length);
    });
  }
}

/** For JSON.parse: `{"$secret": [name, value]}` as a Secret. */
export function reviveSecrets(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("$secret" in value)) return value;
  const [name, plain] = value.$secret as [string, string];
  return new Secret(name, plain);
}
