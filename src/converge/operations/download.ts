import type { OperationKind } from "../change.ts";
import type { DownloadOperation } from "../program-operations.ts";
import { quote, quoteAll } from "../quote.ts";
import { conflict, ownershipDiff, ownRecord, pathRecord } from "./paths.ts";

export const download: OperationKind<DownloadOperation> = {
  needs: ({ path, unpack }) => [
    unpack === undefined ? { fact: "path", path, hash: true } : { fact: "path", path },
    { fact: "space", path },
  ],

  plan(operation, facts) {
    const { path, url, sha256, unpack, mode = "0644", owner = "root", group = owner } = operation;
    const have = facts.paths[path];
    const fetch = `fetch ${quoteAll([url, sha256])}`;
    if (unpack !== undefined) {
      // As with archives: the folder appears by rename when it is whole, and its path names its content.
      if (have?.type === "directory") return undefined;
      if (have !== undefined) throw conflict(path, `a ${have.type}`);
      const format = /\.zip$/.test(new URL(url).pathname) ? "zip" : "tar";
      return {
        summary: `${path}/: download and unpack`,
        diff: [`+${url}`],
        reaches: [url],
        script: `${fetch}\nunpack_fetched ${quoteAll([sha256, path, String(unpack.strip), format])}`,
        records: [{ resource: `path:${path}`, undo: { do: "path", path, before: { type: "absent" }, tree: true } }],
      };
    }
    if (have !== undefined && have.type !== "file") throw conflict(path, `a ${have.type}`);
    const ownership = have === undefined ? [] : ownershipDiff(have, { mode, owner, group });
    const same = have?.sha256 === sha256;
    if (have !== undefined && same && ownership.length === 0) return undefined;
    const place = quoteAll([path, mode, owner, group]);
    const kept = `"$B"/${quote(sha256)}`;
    return {
      summary: `${path}: ${have === undefined ? "download" : same ? ownership.join(", ") : "download anew"}`,
      diff: same ? [] : [`+${url}`, ...ownership],
      script: same ? `own ${place}` : `${fetch}\nput ${kept} ${place}\nrm -f ${kept}`,
      reaches: same ? [] : [url],
      records: [same ? ownRecord(path, facts) : pathRecord(path, facts)],
      saves: have?.sha256 !== undefined && !same ? [{ path, sha256: have.sha256 }] : [],
    };
  },

  claims: ({ path }) => [`path:${path}`],
};
