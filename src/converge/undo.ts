import type { JournalEntry, Undo } from "./change.ts";
import { journalFolder } from "./places.ts";
import { quote, quoteAll } from "./quote.ts";

/** For people: what the undoing of an entry does. */
export function describeUndo({ resource, undo }: JournalEntry): string {
  switch (undo.do) {
    case "path":
      if (undo.tree === true) return `remove ${undo.path} with everything in it`;
      if (undo.before.secret === true) return `restore ${undo.path}, unless its secret was made here`;
      if (undo.before.type === "absent") return `remove ${undo.path}`;
      return resource.startsWith("own:") ? `${undo.path}: mode and owner as before` : `restore ${undo.path}`;
    case "line":
      return undo.before === undefined ? `${undo.path}: take out a line` : `${undo.path}: restore a line`;
    case "packages":
      return `remove ${undo.names.join(", ")} and what came with ${undo.names.length === 1 ? "it" : "them"}`;
    case "user":
      return `user ${undo.name}: remove`;
    case "user-groups":
      return `user ${undo.name}: out of ${undo.groups.join(", ")}`;
    case "user-fields":
      return `user ${undo.name}: as before`;
    case "group":
      return `group ${undo.name}: remove`;
    case "unit":
      return `${undo.name}: ${undo.active === "active" ? "as before" : "stop"}`;
    case "command":
      // What no kind of its own undoes tells what was done, the others what undoing does.
      return resource.startsWith("command:") ? `undo: ${undo.summary}` : undo.summary;
    case "postgresql-role":
      return `database role ${undo.name}: drop, unless it owns data`;
    case "postgresql-database":
      return `database ${undo.name}: DROP with all its data`;
  }
}

/** The undoing as sh for prelude.ts. Everything in it can be done twice: a reset may have been cut off. */
export function undoScript(undo: Undo, keepPackages: readonly string[]): string {
  switch (undo.do) {
    case "path":
      return undoPath(undo);
    case "line":
      return undo.before === undefined
        ? `drop_line ${quote(undo.path)} ${quote(undo.line)}${undo.last === undefined ? "" : ` ${quote(undo.last)}`}`
        : `if [ -f ${quote(undo.path)} ]; then swap_line ${quote(undo.path)} ${quote(undo.line)} ${quote(undo.before)}; fi`;
    case "packages":
      return `remove_packages ${undo.how} ${quote(undo.list)} ${quote(keepPackages.join(" "))} ${quoteAll(undo.names)}`;
    case "user":
      return `remove_user ${quote(undo.name)} ${quote(undo.home ?? "")}`;
    case "user-groups":
      return undo.groups.map((group) => `leave_group ${quote(undo.name)} ${quote(group)}`).join("\n");
    case "user-fields":
      return `if have_user ${quote(undo.name)}; then usermod --home ${quote(undo.home)} --shell ${quote(undo.shell)}${undo.gid === undefined ? "" : ` --gid ${undo.gid}`} ${quote(undo.name)}; fi`;
    case "group":
      return `remove_group ${quote(undo.name)}`;
    case "unit":
      return undoUnit(undo);
    case "command":
      return `( set -eu\n${undo.script}\n)`;
    case "postgresql-role":
      return `drop_postgres_role ${quote(undo.name)}`;
    case "postgresql-database":
      return `if have_postgres; then printf '%s\\n' ${quote(`drop database if exists "${undo.name.replaceAll('"', '""')}" with (force);`)} | postgres_sql; fi`;
  }
}

/** What keeps a copy of data before its undoing deletes it; nothing where undoing deletes none. */
export function backupScript({ data, undo }: JournalEntry): string[] {
  if (data === undefined) return [];
  if (undo.do === "postgresql-database") return [`back_up_database ${quote(undo.name)}`];
  return backupPath(undo).map((path) => `back_up_path ${quote(path)}`);
}

/** The path that undoing deletes with what is in it. */
export function backupPath(undo: Undo): string[] {
  return undo.do === "path" && undo.before.type === "absent" ? [undo.path] : [];
}

function undoPath({ path, before, tree }: Extract<Undo, { do: "path" }>): string {
  const at = quote(path);
  const own = [before.mode ?? "", before.owner ?? "", before.group ?? ""].map(quote).join(" ");
  switch (before.type) {
    case "absent":
      return tree === true ? `rm -rf ${at}` : `take_away ${at}`;
    case "directory":
      return `folder ${at} ${own}`;
    case "link":
      return `relink ${quote(before.target ?? "")} ${at}`;
    case "file":
      return before.sha256 === undefined
        ? `if [ -e ${at} ]; then own ${at} ${own}; fi`
        : `${before.secret === true ? "restore_secret" : "restore"} ${quote(`${journalFolder}/saved/${before.sha256}`)} ${at} ${own}`;
  }
}

function undoUnit({ name, enabled, active }: Extract<Undo, { do: "unit" }>): string {
  const unit = quote(name);
  const lines: string[] = [];
  if (active !== "active") lines.push(`if have_unit ${unit}; then systemctl stop ${unit}; fi`);
  if (enabled === "disabled" || enabled === "")
    lines.push(`if have_unit ${unit}; then systemctl -q disable ${unit}; fi`);
  if (enabled === "enabled") lines.push(`if have_unit ${unit}; then systemctl -q enable ${unit}; fi`);
  if (active === "active") lines.push(`if have_unit ${unit}; then notify ${unit}; fi`);
  return [...lines, "reload_wanted"].join("\n");
}
