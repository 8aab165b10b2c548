import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { operationExamples, operationOf } from "../../../test/support/documented-operations.ts";
import { Secret } from "../../base/secret.ts";
import { noFacts } from "../facts.ts";
import { kindOf } from "../kinds.ts";

// Every example of docs/reference/operations.md is planned for a host about which nothing is known; test/e2e/roles-operations.test.ts and roles-programs.test.ts make them.

const examples = operationExamples();

/** What the examples leave to the reader. */
const left = {
  localFolder: "/srv/x",
  hash: "3a1f6a7b",
  sha256: "0".repeat(64),
  commit: "0".repeat(40),
  password: new Secret("postgresql.x", "x"),
};

test.each(examples)("%s: %s", (kind, text) => {
  const operation = operationOf(text, left);
  expect(operation.kind).toBe(kind);
  expect(kindOf(operation).plan(operation, noFacts)?.summary).not.toBe("");
});

test("every kind has an example", () => {
  const source = readFileSync(join(import.meta.dirname, "..", "kinds.ts"), "utf8");
  const table = source.slice(source.indexOf("const kinds"), source.indexOf("};"));
  const kinds = [...table.matchAll(/^ {2}"?([a-z-]+)"?[,:]/gm)].map(([, kind]) => kind!);
  expect(kinds.length).toBeGreaterThan(20);
  const shown = new Set(examples.map(([kind]) => kind));
  expect(kinds.map((kind) => (kind === "packages" ? "package" : kind)).filter((kind) => !shown.has(kind))).toEqual([]);
});
