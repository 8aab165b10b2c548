import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The `pulumi` field of an SDK's package.json, as generators write it. */
export interface RequiredPackage {
  /** Of the plugin, without "pulumi-resource-". */
  readonly name: string;
  readonly version: string;
  readonly server?: string;
  readonly parameterization?: { readonly name: string; readonly version: string /** base64 */; readonly value: string };
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly pulumi?: Partial<RequiredPackage> & { readonly resource?: boolean };
}

/**
 * The provider packages among the direct dependencies of the package that holds `folder`.
 * The engine needs them: without, it takes an explicit provider's version from the state on the second run,
 * and every preview shows a change of version that nobody made.
 */
export function requiredPackages(folder: string): RequiredPackage[] {
  const root = findUp(folder, "package.json");
  if (root === undefined) return [];
  return Object.keys(read(join(root, "package.json"))?.dependencies ?? {}).flatMap((dependency) => {
    const at = findUp(root, join("node_modules", dependency, "package.json"));
    const manifest = at === undefined ? undefined : read(join(at, "node_modules", dependency, "package.json"));
    const pulumi = manifest?.pulumi;
    if (pulumi?.resource !== true) return [];
    const name = pulumi.name ?? dependency.replace(/^@pulumi\//, "");
    return [{ ...pulumi, name, version: pulumi.version ?? manifest?.version ?? "" }];
  });
}

function findUp(folder: string, name: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, name))) return at;
    if (at === dirname(at)) return undefined;
  }
}

function read(file: string): Manifest | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Manifest) : undefined;
}
