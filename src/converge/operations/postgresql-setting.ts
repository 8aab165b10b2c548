import type { OperationKind } from "../change.ts";
import type { PostgresqlSettingOperation } from "../operations.ts";
import { quote } from "../quote.ts";
import { identifier, literal } from "./postgresql.ts";

export const postgresqlSetting: OperationKind<PostgresqlSettingOperation> = {
  needs: ({ name }) => [{ fact: "postgresql", setting: name }],

  plan({ name, value }, facts) {
    const list = typeof value === "string" ? [value] : value;
    const have = facts.postgresql?.settings?.[name];
    if (have === list.join(", ")) return undefined;
    const set = (values: readonly string[]): string =>
      `alter system set ${identifier(name)} = ${values.map(literal).join(", ")};`;
    const before =
      have === undefined
        ? `alter system reset ${identifier(name)};`
        : set(typeof value === "string" ? [have] : have.split(", "));
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
