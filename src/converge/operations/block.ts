import type { OperationKind, UndoRecord } from "../change.ts";
import { diffLines } from "../diff.ts";
import { quoteAll } from "../quote.ts";
import type { BlockOperation } from "../system-operations.ts";
import { conflict, sharedFileRecord } from "./paths.ts";

const resource = ({ path, name }: BlockOperation): string => `block:${path}:${name}`;

export const block: OperationKind<BlockOperation> = {
  needs: ({ path }) => [{ fact: "path", path, contentUnless: "" }],

  plan(operation, facts) {
    const { path, name, content, comment = "#" } = operation;
    const have = facts.paths[path];
    if (have !== undefined && (have.type !== "file" || have.content === undefined)) {
      throw conflict(path, have.type === "file" ? "too large a file" : `a ${have.type}`);
    }
    const marks = [`${comment} BEGIN olympus ${name}`, `${comment} END olympus ${name}`] as const;
    const text = have?.content ?? "";
    const before = between(text, path, marks);
    const wanted = content.endsWith("\n") ? content : `${content}\n`;
    if (before === wanted) return undefined;
    const place = [path, ...marks];
    const edit = before === undefined ? "add_block" : "edit_block";
    // The last line had no end before ours came: reset takes the end away again.
    const last = text !== "" && !text.endsWith("\n") ? [text.split("\n").at(-1)!] : [];
    return {
      summary: `${path}: ${before === undefined ? "add" : "change"} the lines ${name}`,
      diff: diffLines(before ?? "", wanted),
      script: `${edit} ${quoteAll(place)} "$F"/content`,
      uploads: [{ name: "content", content: wanted, to: path }],
      records: [
        // Oldest first: undone last, when the block is out again.
        ...(have === undefined ? [sharedFileRecord(path)] : []),
        {
          resource: resource(operation),
          undo: {
            do: "command",
            summary: `${path}: ${before === undefined ? "take out" : "restore"} the lines ${name}`,
            script:
              before === undefined
                ? `drop_block ${quoteAll([...place, ...last])}`
                : `restore_block ${quoteAll([...place, before])}`,
          },
        } satisfies UndoRecord,
      ],
    };
  },

  claims: (operation) => [resource(operation), `path:${operation.path}`],
};

/** The lines between the marks, with their ends; undefined without marks. Throws E-ROLE-CONFLICT where an end is missing. */
function between(text: string, path: string, [from, to]: readonly [string, string]): string | undefined {
  const lines = text.split("\n");
  const begin = lines.indexOf(from);
  if (begin === -1) return undefined;
  const end = lines.indexOf(to, begin);
  if (end === -1) throw conflict(path, `a file with "${from}" and no end of it`);
  return lines
    .slice(begin + 1, end)
    .map((line) => `${line}\n`)
    .join("");
}
