import type { OperationKind } from "../change.ts";
import type { PipxPackageOperation } from "../program-operations.ts";
import { quoteAll } from "../quote.ts";
import { pathRecord } from "./paths.ts";

/** Where our own programs are; mostly there before, by role base. */
const parent = "/opt/olympus";
/** Apart from what people install with pipx themselves. */
const folder = `${parent}/pipx`;
const bin = "/usr/local/bin";

/** As pipx names the environment. */
const canonical = (name: string): string => name.toLowerCase().replaceAll(/[-_.]+/g, "-");
const metadataOf = ({ name }: PipxPackageOperation): string => `${folder}/venvs/${canonical(name)}/pipx_metadata.json`;

export const pipxPackage: OperationKind<PipxPackageOperation> = {
  needs: (operation) => [
    { fact: "path", path: parent },
    { fact: "path", path: folder },
    { fact: "path", path: metadataOf(operation), contentUnless: "" },
  ],

  plan(operation, facts) {
    const { name, version } = operation;
    // Metadata also tell of what else is in the environment: the program itself comes first.
    const have = /"package_version":\s*"([^"]+)"/.exec(facts.paths[metadataOf(operation)]?.content ?? "")?.[1];
    if (have === version) return undefined;
    return {
      summary: `Python program ${name}: ${have === undefined ? "install" : `${have} ->`} ${version}`,
      script: `pipx_install ${quoteAll([folder, bin, `${name}==${version}`])}`,
      records: [
        // pipx makes both folders.
        ...(facts.paths[parent] === undefined ? [pathRecord(parent, facts)] : []),
        ...(facts.paths[folder] === undefined
          ? [
              {
                resource: `path:${folder}`,
                undo: { do: "path", path: folder, before: { type: "absent" }, tree: true },
              } as const,
            ]
          : []),
        {
          resource: `pipx-package:${canonical(name)}`,
          undo: {
            do: "command",
            summary: `Python program ${name}: ${have === undefined ? "remove" : `back to ${have}`}`,
            script:
              have === undefined
                ? `drop_pipx ${quoteAll([folder, bin, canonical(name)])}`
                : `pipx_install ${quoteAll([folder, bin, `${name}==${have}`])}`,
          },
        },
      ],
    };
  },

  claims: ({ name }) => [`pipx-package:${canonical(name)}`, `path:${folder}`, `path:${parent}`],
};
