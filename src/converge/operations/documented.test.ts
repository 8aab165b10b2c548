import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { projectRoot } from "../../base/paths.ts";
import { Secret } from "../../base/secret.ts";
import { noFacts } from "../facts.ts";
import { kindOf } from "../kinds.ts";
import type { Operation } from "../operations.ts";

// Every example of docs/reference/operations.md is planned for a host about which nothing is known.

const page = readFileSync(join(projectRoot, "docs/reference/operations.md"), "utf8");
const examples = [...page.matchAll(/^\| `([a-z-]+)`[^|]* \| `(\{.*?\})` \|/gm)].map(([, kind, text]) => [kind!, text!]);

/** What the examples leave to the reader. */
const left = {
  localFolder: "/srv/x",
  hash: "3a1f6a7b",
  sha256: "0".repeat(64),
  commit: "0".repeat(40),
  password: new Secret("postgresql.x", "x"),
};

test.each(examples)("%s: %s", (kind, text) => {
  const operation = new Function(...Object.keys(left), `return (${text})`)(...Object.values(left)) as Operation;
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
