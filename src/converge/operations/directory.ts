import type { OperationKind } from "../change.ts";
import type { DirectoryOperation } from "../operations.ts";
import { quote } from "../quote.ts";
import { conflict, ownershipDiff, pathRecord } from "./paths.ts";

export const directory: OperationKind<DirectoryOperation> = {
  needs: ({ path }) => [{ fact: "path", path }],

  plan({ path, mode = "0755", owner = "root", group = owner, data, tree }, facts) {
    const have = facts.paths[path];
    if (have !== undefined && have.type !== "directory") throw conflict(path, `a ${have.type}`);
    const ownership = have === undefined ? [] : ownershipDiff(have, { mode, owner, group });
    if (have !== undefined && ownership.length === 0) return undefined;
    const place = [path, mode, owner, group].map(quote).join(" ");
    const record = pathRecord(path, facts);
    const whole = data !== undefined && tree === true && have === undefined && record.undo.do === "path";
    return {
      summary: `${path}/: ${have === undefined ? "create" : ownership.join(", ")}`,
      script: `folder ${place}`,
      records: [whole ? { ...record, undo: { ...record.undo, tree: true } as typeof record.undo } : record],
    };
  },

  claims: ({ path }) => [`path:${path}`],
};
