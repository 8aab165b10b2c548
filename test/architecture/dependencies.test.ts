import { readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import ts from "typescript";
import { expect, it } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";

const manifest = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};
/** What `npm ci --omit=dev` installs by name: quickstart stands on nothing else. */
const installed = [manifest.dependencies, manifest.optionalDependencies].flatMap((names) => Object.keys(names));

/** `@scope/name/deeper` -> `@scope/name`. */
const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

function importedPackages(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(projectRoot, file), "utf8"));
  return importedFiles
    .map(({ fileName }) => fileName)
    .filter((specifier) => !specifier.startsWith(".") && !isBuiltin(specifier))
    .map(packageOf);
}

const files = ["src", "stacks", "vm-templates", "cloud-init", "roles", "secrets"].flatMap((folder) =>
  readdirSync(join(projectRoot, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => join(folder, name)),
);

it("only tests import what is installed for tests: quickstart goes without it", { timeout: 60_000 }, () => {
  const wrong = files.flatMap((file) =>
    importedPackages(file)
      .filter((name) => !installed.includes(name))
      .map((name) => `${file} imports ${name}, which is no dependency in package.json`),
  );
  expect(wrong).toEqual([]);
  expect(new Set(files.flatMap(importedPackages))).toContain("esbuild");
});

const everything = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.devDependencies };

/** Names in a table's first column: `one, @scope/two (why)`; `@scope/*` stands for all of a scope. */
function namedIn(page: string): string[] {
  const rows = [...page.matchAll(/^\| ([^|]+?) +\|/gm)].map(([, names]) => names!.replaceAll(/\([^)]*\)/g, ""));
  return rows.slice(1).flatMap((names) => names.split(",").map((name) => name.trim()));
}

const standsFor = (word: string, name: string): boolean =>
  word.endsWith("/*") ? name.startsWith(word.slice(0, -1)) : word === name;

it("every dependency is exact: what is installed tomorrow is what was tried", () => {
  const loose = Object.entries(everything).filter(([, version]) => !/^(\d+\.\d+\.\d+|file:sdks\/\w+)$/.test(version));
  expect(loose).toEqual([]);
});

it("every dependency has its reason in docs/decisions/0008-dependencies.md, and nothing else has", () => {
  const named = namedIn(readFileSync(join(projectRoot, "docs/decisions/0008-dependencies.md"), "utf8")).filter(
    (name) => !/^-+$/.test(name),
  );
  const names = Object.keys(everything);
  expect(names.filter((name) => !named.some((word) => standsFor(word, name)))).toEqual([]);
  expect(named.filter((word) => !names.some((name) => standsFor(word, name)))).toEqual([]);
});
