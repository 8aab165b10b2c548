import type { OperationKind } from "../change.ts";
import type { PostgresqlSettingOperation } from "../operations.ts";
import { quote } from "../quote.ts";
import { identifier, literal } from "./postgresql.ts";

/** Settings whose items the server keeps as identifiers, in double quotes where they need them: a list whatever is wished. */
const listsOfIdentifiers = new Set([
  "local_preload_libraries",
  "search_path",
  "session_preload_libraries",
  "shared_preload_libraries",
  "temp_tablespaces",
  "unix_socket_directories",
]);

export const postgresqlSetting: OperationKind<PostgresqlSettingOperation> = {
  needs: ({ name }) => [{ fact: "postgresql", setting: name }],

  plan({ name, value }, facts) {
    const list = typeof value === "string" ? [value] : value;
    const have = facts.postgresql?.settings?.[name];
    const items = typeof value !== "string" || listsOfIdentifiers.has(name) ? itemsOf(have ?? "") : [have ?? ""];
    if (have !== undefined && items.length === list.length && items.every((item, at) => item === list[at])) {
      return undefined;
    }
    const set = (values: readonly string[]): string =>
      `alter system set ${identifier(name)} = ${values.map(literal).join(", ")};`;
    const before = have === undefined ? `alter system reset ${identifier(name)};` : set(items);
    return {
      summary: `database setting ${name}: ${have === undefined ? "" : `${have} -> `}${list.join(", ")}`,
      script: 'postgres_sql <"$F"/sql',
      uploads: [{ name: "sql", content: `${set(list)}\nselect pg_reload_conf() \\g /dev/null\n` }],
      records: [
        {
          resource: `postgresql-setting:${name}`,
          undo: {
            do: "command",
            summary: `database setting ${name}: ${have === undefined ? "reset" : `back to ${have}`}`,
            script: `if have_postgres; then printf '%s\\n' ${quote(before)} 'select pg_reload_conf();' | postgres_sql >/dev/null; fi`,
          },
        },
      ],
    };
  },

  claims: ({ name }) => [`postgresql-setting:${name}`],
};

/** `a, "b c"` as the server keeps a list. */
function itemsOf(list: string): string[] {
  const items = [...list.matchAll(/"((?:[^"]|"")*)"|[^\s,"][^,]*/g)].map(
    ([bare, quoted]) => quoted?.replaceAll('""', '"') ?? bare.trimEnd(),
  );
  return items.length === 0 ? [""] : items;
}
