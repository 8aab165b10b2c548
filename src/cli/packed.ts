import { existsSync, readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { projectRoot } from "../base/paths.ts";

/** Packages of many files that most commands load; one file each loads several times as fast. `pack.ts` makes them, when packages are installed. */
export const packedPackages = ["commander", "ssh2", "yaml", "zod"] as const;

/** Where a package's one file lies, by the version that package.json pins. */
export function packedFile(name: string): string {
  const { dependencies } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  return join(projectRoot, "node_modules/.packed", `${name}-${dependencies[name]}.mjs`);
}

/** Lets imports find the packed files; a package that is not packed is loaded as it is. */
export function usePacked(): void {
  const urls = new Map<string, string>();
  for (const name of packedPackages) {
    const file = packedFile(name);
    if (existsSync(file)) urls.set(name, pathToFileURL(file).href);
  }
  if (urls.size === 0) return;
  registerHooks({
    resolve(specifier, context, next) {
      const url = context.conditions.includes("import") ? urls.get(specifier) : undefined;
      return url === undefined ? next(specifier, context) : { url, format: "module", shortCircuit: true };
    },
  });
}
