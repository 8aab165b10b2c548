import { expect, test } from "vitest";
import { changeOf, fits, lensesFor, mergeNeeds } from "./changes.ts";
import { policySchema } from "./schema.ts";

test.each([
  ["infra/**", "infra/a/b.tf", true],
  ["infra/**", "infra2/a.tf", false],
  ["**/Dockerfile", "Dockerfile", true],
  ["**/Dockerfile", "a/b/Dockerfile", true],
  ["**/Dockerfile", "a/Dockerfile.old", false],
  ["*.md", "docs/a.md", false],
  ["**", ".github/workflows/ci.yml", true],
  [".github/**", ".github/workflows/ci.yml", true],
  ["a+b?.[js]", "a+bc.[js]", true],
  ["**/*.ts", "ü/x\ny.ts", true],
])("%s and %s", (pattern, path, expected) => {
  expect(fits(pattern, path)).toBe(expected);
});

const policy = policySchema.parse({
  merge: [
    { paths: ["infra/**"], kind: "infrastructure", approvers: ["mara", "kim"] },
    { labels: ["customers"], kind: "sensitive", approvers: ["mara"] },
  ],
  lenses: [
    { lens: "security", paths: ["src/auth/**"] },
    { lens: "ux", labels: ["ui"] },
    { lens: "testing", lines: 400 },
    { lens: "security", lines: 1000 },
  ],
});
const change = (paths: string[], labels: string[] = [], lines = 1) => ({ paths, labels, lines, cut: false });

test("lenses by path, label and size, each once", () => {
  expect(lensesFor(policy, change(["README.md"]))).toEqual([]);
  expect(lensesFor(policy, change(["src/auth/login.ts"], ["ui"]))).toEqual(["security", "ux"]);
  expect(lensesFor(policy, change(["src/auth/login.ts"], [], 1000))).toEqual(["security", "testing"]);
});

test("all rules that fit count together: kinds add up, approvers have to be in every list", () => {
  expect(mergeNeeds(policy, change(["README.md"]))).toEqual({ kinds: ["merge"], approvers: undefined });
  expect(mergeNeeds(policy, change(["a", "infra/x.tf"]))).toEqual({
    kinds: ["merge", "infrastructure"],
    approvers: ["mara", "kim"],
  });
  expect(mergeNeeds(policy, change(["infra/x.tf"], ["customers"]))).toEqual({
    kinds: ["merge", "infrastructure", "sensitive"],
    approvers: ["mara"],
  });
});

test("a list of files that the forge cut off may hide any path: rules by path fit, others as ever", () => {
  const file = { path: "a/1", from: undefined, status: "added", additions: 1, deletions: 0, patch: undefined };
  const of = (files: number) => changeOf({ labels: [], size: { additions: 2, deletions: 0, files } }, [file, file]);
  expect([lensesFor(policy, of(2)), mergeNeeds(policy, of(2)).kinds]).toEqual([[], ["merge"]]);
  expect(lensesFor(policy, of(3))).toEqual(["security"]);
  expect(mergeNeeds(policy, of(3))).toEqual({ kinds: ["merge", "infrastructure"], approvers: ["mara", "kim"] });
});
