import type { OperationKind } from "../change.ts";
import type { CommandOperation } from "../operations.ts";
import { quote } from "../quote.ts";
import { sha256 } from "./file.ts";

/** Equal checks are run once, whichever role they are from. */
const keyOf = ({ check }: CommandOperation): string => sha256(check).slice(0, 16);

export const command: OperationKind<CommandOperation> = {
  needs: (operation) => [{ fact: "command", key: keyOf(operation), script: operation.check }],

  plan(operation, facts) {
    const { id, summary, check, apply, undo, stdin } = operation;
    if (facts.commands[keyOf(operation)] === 0) return undefined;
    const input = stdin === undefined ? "" : ' <"$F"/stdin';
    return {
      summary,
      // An earlier operation of the same run may have made it true: so it is looked at once more. By a shell of its own: within a
      // condition -e does nothing, and only the last line would count.
      script: `if ! sh -euc ${quote(check)} </dev/null >/dev/null 2>&1; then ( set -eu\n${apply}\n)${input}; fi`,
      uploads: stdin === undefined ? [] : [{ name: "stdin", content: stdin }],
      records:
        undo === undefined
          ? []
          : [{ resource: `command:${id}:${keyOf(operation)}`, undo: { do: "command", summary, script: undo } }],
    };
  },

  claims: ({ id, undo }) => (undo === undefined ? [] : [`command:${id}`]),
};
