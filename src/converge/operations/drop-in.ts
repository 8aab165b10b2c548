import type { Change, OperationKind } from "../change.ts";
import type { FileOperation } from "../operations.ts";
import { quoteAll } from "../quote.ts";
import type { DropInOperation } from "../system-operations.ts";
import { directory } from "./directory.ts";
import { file } from "./file.ts";
import { together } from "./together.ts";

const partsOf = ({ id, unit, name = "olympus", content }: DropInOperation) => {
  const folder = { kind: "directory", id, path: `/etc/systemd/system/${unit}.d` } as const;
  return { folder, settings: { kind: "file", id, path: `${folder.path}/${name}.conf`, content } as FileOperation };
};

export const dropIn: OperationKind<DropInOperation> = {
  needs(operation) {
    const { folder, settings } = partsOf(operation);
    return [...directory.needs(folder), ...file.needs(settings), { fact: "unit", name: operation.unit }];
  },

  plan(operation, facts) {
    const { unit, restarts = [] } = operation;
    const { folder, settings } = partsOf(operation);
    const change = file.plan(settings, facts);
    const reload: Change = {
      summary: "",
      script: "reload_wanted",
      records: [
        {
          resource: `settings:${settings.path}`,
          undo: {
            do: "command",
            summary: `${unit}: without settings of ours`,
            script: `drop_settings ${quoteAll(restarts)}`.trim(),
          },
        },
      ],
    };
    // A run that was cut off between the two may have left a file that systemd did not read.
    const unread = facts.units[unit]?.stale === true;
    if (change === undefined && !unread) return undefined;
    const words = change?.summary.slice(settings.path.length + 2) ?? "read anew";
    return together(`${unit}: settings ${settings.path}: ${words}`, [reload, directory.plan(folder, facts), change]);
  },

  claims(operation) {
    const { folder, settings } = partsOf(operation);
    return [`path:${folder.path}`, `path:${settings.path}`, `settings:${settings.path}`];
  },
};
