import { dirname, resolve } from "node:path/posix";
import type { OperationKind } from "../change.ts";
import type { Facts } from "../facts.ts";
import type { LineOperation } from "../operations.ts";
import { quote } from "../quote.ts";
import { conflict, sharedFileRecord } from "./paths.ts";

/** Where the file is: systems differ in which of two places is a link to the other. */
function placeOf({ path, linked }: LineOperation, { paths }: Facts): string {
  const { type, target } = paths[path] ?? {};
  if (linked === undefined || type !== "link" || target === undefined) return path;
  return resolve(dirname(path), target) === linked ? linked : path;
}

const resource = ({ path, line }: LineOperation): string => `line:${path}:${line}`;

export const line: OperationKind<LineOperation> = {
  needs: ({ path, linked }) =>
    [path, ...(linked === undefined ? [] : [linked])].map((one) => ({ fact: "path", path: one, contentUnless: "" })),

  plan(operation, facts) {
    const { line: wanted, match } = operation;
    const path = placeOf(operation, facts);
    const have = facts.paths[path];
    if (have !== undefined && (have.type !== "file" || have.content === undefined)) {
      throw conflict(path, have.type === "file" ? "too large a file" : `a ${have.type}`);
    }
    const text = have?.content ?? "";
    const lines = text.split("\n");
    if (have !== undefined && lines.includes(wanted)) return undefined;
    const pattern = match === undefined ? undefined : new RegExp(match);
    const replaced = pattern === undefined ? undefined : lines.find((one) => pattern.test(one));
    const cutOff = replaced === undefined && text !== "" && !text.endsWith("\n");
    return {
      summary: `${path}: ${replaced === undefined ? "add a line" : "change a line"}`,
      diff: [...(replaced === undefined ? [] : [`-${replaced}`]), `+${wanted}`],
      script:
        replaced === undefined
          ? `add_line ${quote(path)} ${quote(wanted)}`
          : `swap_line ${quote(path)} ${quote(replaced)} ${quote(wanted)}`,
      records: [
        // Oldest first: undone last, when the line is out again.
        ...(have === undefined ? [sharedFileRecord(path)] : []),
        {
          resource: resource(operation),
          undo: {
            do: "line",
            path,
            line: wanted,
            ...(replaced === undefined ? {} : { before: replaced }),
            // The last line had no end before ours came: reset takes the end away again.
            ...(cutOff ? { last: lines.at(-1)! } : {}),
          },
        },
      ],
    };
  },

  claims: (operation) => [
    resource(operation),
    ...[operation.path, ...(operation.linked === undefined ? [] : [operation.linked])].map((path) => `path:${path}`),
  ],
};
