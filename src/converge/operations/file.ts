import { createHash } from "node:crypto";
import { Secret } from "../../base/secret.ts";
import type { Change, OperationKind, Upload } from "../change.ts";
import { diffLines } from "../diff.ts";
import type { Facts } from "../facts.ts";
import type { FileOperation } from "../operations.ts";
import { quote } from "../quote.ts";
import { conflict, ownershipDiff, ownRecord, pathRecord, type Wish } from "./paths.ts";

/** sha256 in hex of a text in UTF-8. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function wishOf({ content, mode, owner = "root", group = owner }: FileOperation): Wish & { hash: string } {
  const hash =
    content instanceof Secret
      ? sha256(content.reveal())
      : typeof content === "string"
        ? sha256(content)
        : content.sha256;
  return { mode: mode ?? (content instanceof Secret ? "0600" : "0644"), owner, group, hash };
}

export const file: OperationKind<FileOperation> = {
  needs(operation) {
    const { path, content } = operation;
    const request =
      typeof content === "string"
        ? { fact: "path" as const, path, contentUnless: wishOf(operation).hash }
        : { fact: "path" as const, path, hash: true };
    if (typeof content === "string" || content instanceof Secret) return [request];
    return [request, { fact: "blob", hash: content.sha256 }, { fact: "space", path }];
  },

  plan: planFile,

  claims: ({ path }) => [`path:${path}`],
};

/** As the kind plans it. `name` is what its content is called on the way, for a change of several files. */
export function planFile(operation: FileOperation, facts: Facts, name = "content"): Change | undefined {
  const { path, content, validate } = operation;
  const wish = wishOf(operation);
  const have = facts.paths[path];
  if (have !== undefined && have.type !== "file") throw conflict(path, `a ${have.type}`);
  const ownership = have === undefined ? [] : ownershipDiff(have, wish);
  const same = have?.sha256 === wish.hash;
  if (have !== undefined && same && ownership.length === 0) return undefined;

  const text = typeof content === "string" ? content : undefined;
  const secret = content instanceof Secret && !same ? ({ secret: true } as const) : {};
  const diff =
    same || text === undefined || (have !== undefined && have.content === undefined)
      ? []
      : diffLines(have?.content ?? "", text);
  const what = have === undefined ? "create" : same ? ownership.join(", ") : "change content";
  const upload: Upload =
    typeof content === "string" || content instanceof Secret
      ? { name, content, to: path }
      : { blob: content.sha256, source: content, to: path };
  const source = "blob" in upload ? `"$B"/${upload.blob}` : `"$F"/${name}`;
  const place = [path, wish.mode, wish.owner, wish.group].map(quote).join(" ");
  return {
    summary: `${path}: ${what}`,
    diff: content instanceof Secret && !same ? ["(secret)"] : same ? [] : [...diff, ...ownership],
    script: same
      ? `own ${place}`
      : [...(validate === undefined ? [] : [`validate ${quote(validate)} ${source}`]), `put ${source} ${place}`].join(
          "\n",
        ),
    uploads: same ? [] : [upload],
    records: [same ? ownRecord(path, facts) : pathRecord(path, facts, secret)],
    saves: have?.sha256 !== undefined && !same ? [{ path, sha256: have.sha256, ...secret }] : [],
  };
}
