import type { OperationKind } from "../change.ts";
import type { ArchiveOperation } from "../operations.ts";
import { quote } from "../quote.ts";
import { conflict } from "./paths.ts";

export const archive: OperationKind<ArchiveOperation> = {
  needs: ({ path, source }) => [
    { fact: "path", path },
    { fact: "blob", hash: source.hash },
    { fact: "space", path },
  ],

  // The folder appears by rename when it is whole, and its path names its content: being there is being right.
  plan({ path, source, unpacked }, facts) {
    const have = facts.paths[path];
    if (have?.type === "directory") return undefined;
    if (have !== undefined) throw conflict(path, `a ${have.type}`);
    return {
      summary: `${path}/: unpack`,
      script: `unpack "$B"/${quote(source.hash)} ${quote(path)}`,
      uploads: [{ blob: source.hash, source, to: path, ...(unpacked === undefined ? {} : { unpacked }) }],
      records: [{ resource: `path:${path}`, undo: { do: "path", path, before: { type: "absent" }, tree: true } }],
    };
  },

  claims: ({ path }) => [`path:${path}`],
};
