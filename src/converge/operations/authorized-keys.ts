import type { OperationKind, UndoRecord } from "../change.ts";
import { quoteAll } from "../quote.ts";
import type { AuthorizedKeysOperation } from "../system-operations.ts";
import { planFile } from "./file.ts";
import { conflict, ownershipDiff, ownRecord, pathRecord, sharedFileRecord } from "./paths.ts";

const placesOf = ({ user, home = user === "root" ? "/root" : `/home/${user}` }: AuthorizedKeysOperation) => ({
  folder: `${home}/.ssh`,
  path: `${home}/.ssh/authorized_keys`,
});

/** The key itself: the same one may stand there with another comment or other options. */
function keyOf(line: string): string {
  return /(?:^|\s)((?:ssh-|ecdsa-|sk-)\S+ \S+)/.exec(line)?.[1] ?? line;
}

export const authorizedKeys: OperationKind<AuthorizedKeysOperation> = {
  needs(operation) {
    const { folder, path } = placesOf(operation);
    return [
      { fact: "path", path: folder },
      { fact: "path", path, contentUnless: "" },
    ];
  },

  plan(operation, facts) {
    const { id, user, keys, only } = operation;
    const { folder, path } = placesOf(operation);
    const have = facts.paths[path];
    const haveFolder = facts.paths[folder];
    if (haveFolder !== undefined && haveFolder.type !== "directory") throw conflict(folder, `a ${haveFolder.type}`);
    if (have !== undefined && (have.type !== "file" || have.content === undefined)) {
      throw conflict(path, have.type === "file" ? "too large a file" : `a ${have.type}`);
    }
    const script: string[] = [];
    const diff: string[] = [];
    const records: UndoRecord[] = [];
    const wish = { mode: "0700", owner: user, group: user };
    if (haveFolder === undefined || ownershipDiff(haveFolder, wish).length > 0) {
      script.push(`folder ${quoteAll([folder, "0700", user, user])}`);
      records.push(pathRecord(folder, facts));
    }
    if (only === true) {
      const content = keys.map((key) => `${key}\n`).join("");
      const whole = planFile({ kind: "file", id, path, content, mode: "0600", owner: user }, facts);
      if (whole === undefined && script.length === 0) return undefined;
      return {
        ...whole,
        summary: `${user}: keys that may log in`,
        script: [...script, ...(whole === undefined ? [] : [whole.script])].join("\n"),
        records: [...records, ...(whole?.records ?? [])],
      };
    }
    const lines = (have?.content ?? "").split("\n");
    if (have === undefined) records.push(sharedFileRecord(path));
    for (const key of keys) {
      if (lines.includes(key)) continue;
      const old = lines.find((line) => keyOf(line) === keyOf(key));
      diff.push(...(old === undefined ? [] : [`-${old}`]), `+${key}`);
      script.push(old === undefined ? `add_line ${quoteAll([path, key])}` : `swap_line ${quoteAll([path, old, key])}`);
      records.push({
        resource: `line:${path}:${key}`,
        undo: { do: "line", path, line: key, ...(old === undefined ? {} : { before: old }) },
      });
    }
    const ownership = have === undefined ? [] : ownershipDiff(have, { mode: "0600", owner: user, group: user });
    if (script.length === 0 && ownership.length === 0) return undefined;
    if (ownership.length > 0) records.unshift(ownRecord(path, facts));
    return {
      summary: `${user}: keys that may log in`,
      diff: [...diff, ...ownership],
      script: [...script, `own ${quoteAll([path, "0600", user, user])}`].join("\n"),
      records,
    };
  },

  claims(operation) {
    const { folder, path } = placesOf(operation);
    const lines = operation.only === true ? [] : operation.keys.map((key) => `line:${path}:${key}`);
    return [`path:${folder}`, `path:${path}`, ...lines];
  },
};
