import { readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import ts from "typescript";
import { expect, it } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";

const manifest = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
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
