import type { OperationKind } from "../change.ts";
import type { PackageOperation } from "../operations.ts";
import { quoteAll } from "../quote.ts";

export const packages: OperationKind<PackageOperation> = {
  needs: ({ names }) => names.map((name) => ({ fact: "package", name })),

  plan({ id, names, reset = "purge" }, facts) {
    const missing = names.filter((name) => facts.packages[name] === undefined);
    if (missing.length === 0) return undefined;
    // The list of packages before tells afterwards which ones came as dependencies.
    const list = `packages-${id}-${missing.join("+")}`.slice(0, 120).replaceAll("/", "-");
    return {
      summary: `install ${missing.join(", ")}`,
      diff: missing.map((name) => `+${name}`),
      reaches: ["apt"],
      script: `install_packages ${quoteAll([list, ...missing])}`,
      records: [
        { resource: `packages:${missing.join(",")}`, undo: { do: "packages", names: missing, list, how: reset } },
      ],
    };
  },

  claims: ({ names }) => names.map((name) => `package:${name}`),
};
