import { z } from "zod";
import type { OperationKind, UndoRecord } from "../change.ts";
import type { NpmPackageOperation } from "../program-operations.ts";
import { quoteAll } from "../quote.ts";

const manifest = z.object({ version: z.string() });

const folderOf = ({ prefix = "/usr/local" }: NpmPackageOperation): string => `${prefix}/lib/node_modules`;
const manifestOf = (operation: NpmPackageOperation): string => `${folderOf(operation)}/${operation.name}/package.json`;

export const npmPackage: OperationKind<NpmPackageOperation> = {
  needs: (operation) => [
    { fact: "path", path: folderOf(operation) },
    { fact: "path", path: manifestOf(operation), contentUnless: "" },
  ],

  plan(operation, facts) {
    const { name, version, prefix = "/usr/local", npm = "/usr/bin/npm", registry, scripts = [] } = operation;
    const have = versionIn(facts.paths[manifestOf(operation)]?.content);
    if (have === version) return undefined;
    const folder = folderOf(operation);
    const options = ["--ignore-scripts", ...(registry === undefined ? [] : [`--registry=${registry}`])];
    const install = (wanted: string): string =>
      [
        `npm_install ${quoteAll([npm, prefix, `${name}@${wanted}`, ...options])}`,
        ...(scripts.length === 0 ? [] : [`npm_scripts ${quoteAll([npm, prefix, name, ...scripts])}`]),
      ].join("\n");
    const record: UndoRecord = {
      resource: `npm-package:${folder}/${name}`,
      undo:
        have === undefined
          ? { do: "command", summary: `npm package ${name}: remove`, script: `drop_npm ${quoteAll([prefix, name])}` }
          : { do: "command", summary: `npm package ${name}: back to ${have}`, script: install(have) },
    };
    return {
      summary: `npm package ${name}: ${have === undefined ? "install" : `${have} ->`} ${version}`,
      script: install(version),
      records: [
        // npm makes the folder.
        ...(facts.paths[folder] === undefined
          ? [{ resource: `path:${folder}`, undo: { do: "path", path: folder, before: { type: "absent" } } } as const]
          : []),
        record,
      ],
    };
  },

  claims: (operation) => [`npm-package:${folderOf(operation)}/${operation.name}`, `path:${folderOf(operation)}`],
};

/** The version that a package.json tells; undefined for one that does not, or that is cut off: it is then installed anew. */
function versionIn(content: string | undefined): string | undefined {
  if (content === undefined) return undefined;
  try {
    return manifest.safeParse(JSON.parse(content)).data?.version;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
