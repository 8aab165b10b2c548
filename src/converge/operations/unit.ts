import type { Change, OperationKind, UndoRecord } from "../change.ts";
import type { Facts } from "../facts.ts";
import type { UnitOperation } from "../operations.ts";
import { quote } from "../quote.ts";
import { file, planFile } from "./file.ts";

const fileOf = ({ id, name, content }: UnitOperation) =>
  content === undefined ? undefined : { kind: "file" as const, id, path: `/etc/systemd/system/${name}`, content };

export const unit: OperationKind<UnitOperation> = {
  needs(operation) {
    const unitFile = fileOf(operation);
    return [{ fact: "unit", name: operation.name }, ...(unitFile === undefined ? [] : file.needs(unitFile))];
  },

  plan: planUnit,

  claims: ({ name, content }) => [
    `unit:${name}`,
    ...(content === undefined ? [] : [`path:/etc/systemd/system/${name}`]),
  ],
};

/** As the kind plans it. `upload` is what its file is called on the way, for a change of several units. */
export function planUnit(operation: UnitOperation, facts: Facts, upload?: string): Change | undefined {
  const { name, enabled, running } = operation;
  const unitFile = fileOf(operation);
  const fileChange = unitFile === undefined ? undefined : planFile(unitFile, facts, upload);
  const have = facts.units[name] ?? { load: "not-found", active: "inactive", enabled: "" };
  const isEnabled = ["enabled", "static", "enabled-runtime"].includes(have.enabled);
  const isRunning = have.active === "active" || have.active === "activating" || have.active === "reloading";
  const script: string[] = [];
  const words: string[] = [];
  const records: UndoRecord[] = [...(fileChange?.records ?? [])];
  if (fileChange !== undefined) {
    script.push(fileChange.script, "reload_wanted");
    words.push(fileChange.summary.endsWith("create") ? "create" : "change");
  }
  if (enabled !== undefined && enabled !== isEnabled) {
    script.push(`unit_${enabled ? "enable" : "disable"} ${quote(name)}`);
    words.push(enabled ? "enable" : "disable");
  }
  if (running !== undefined && running !== isRunning) {
    script.push(`unit_${running ? "start" : "stop"} ${quote(name)}`);
    words.push(running ? "start" : "stop");
  }
  if (script.length === 0) return undefined;
  records.push(record(name, facts));
  const change: Change = {
    summary: `${name}: ${words.join(", ")}`,
    diff: fileChange?.diff ?? [],
    script: script.join("\n"),
    uploads: fileChange?.uploads ?? [],
    records,
    saves: fileChange?.saves ?? [],
  };
  if (running === true && !isRunning) return { ...change, starts: [name], restarts: [name] };
  // A changed unit file takes effect at the role's end.
  return fileChange !== undefined && running === true ? { ...change, restarts: [name] } : change;
}

function record(name: string, facts: Facts): UndoRecord {
  const have = facts.units[name];
  return {
    resource: `unit:${name}`,
    undo: { do: "unit", name, enabled: have?.enabled ?? "", active: have?.active ?? "inactive" },
  };
}
