import { readFileSync } from "node:fs";
import { join } from "node:path";
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
