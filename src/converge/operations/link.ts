import type { OperationKind } from "../change.ts";
import type { LinkOperation } from "../operations.ts";
import { quote } from "../quote.ts";
import { conflict, pathRecord } from "./paths.ts";

export const link: OperationKind<LinkOperation> = {
  needs: ({ path }) => [{ fact: "path", path }],

  plan({ path, target }, facts) {
    const have = facts.paths[path];
    if (have?.type === "link" && have.target === target) return undefined;
    if (have !== undefined && have.type !== "link") throw conflict(path, `a ${have.type}`);
    return {
      summary: `${path}: ${have === undefined ? "create link" : "switch link"}`,
      diff: [...(have === undefined ? [] : [`-${have.target}`]), `+${target}`],
      script: `relink ${quote(target)} ${quote(path)}`,
      records: [pathRecord(path, facts)],
    };
  },

  claims: ({ path }) => [`path:${path}`],
};
