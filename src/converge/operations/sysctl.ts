import type { Change, OperationKind } from "../change.ts";
import type { Facts } from "../facts.ts";
import { quote, quoteAll } from "../quote.ts";
import type { SysctlOperation } from "../system-operations.ts";
import { file, sha256 } from "./file.ts";
import { together } from "./together.ts";

interface Setting {
  readonly name: string;
  readonly value: string;
  /** A kernel without it is as wished. */
  readonly optional: boolean;
  readonly path: string;
  readonly writable: string;
}

function settingsOf({ settings }: SysctlOperation): Setting[] {
  return Object.entries(settings).map(([written, value]) => {
    const name = written.replace(/^-/, "");
    // As sysctl has it: dots are slashes, and slashes (in names of interfaces) dots.
    const path = `/proc/sys/${name.replace(/[./]/g, (sign) => (sign === "." ? "/" : "."))}`;
    const writable = sha256(`sysctl ${path}`).slice(0, 16);
    return { name, value: String(value), optional: written.startsWith("-"), path, writable };
  });
}

const fileOf = ({ id, name, settings }: SysctlOperation) => ({
  kind: "file" as const,
  id,
  path: `/etc/sysctl.d/99-zz-olympus-${name}.conf`,
  content: Object.entries(settings)
    .map(([written, value]) => `${written} = ${value}\n`)
    .join(""),
});

export const sysctl: OperationKind<SysctlOperation> = {
  needs: (operation) => [
    ...file.needs(fileOf(operation)),
    ...settingsOf(operation).flatMap(({ path, writable }) => [
      { fact: "path" as const, path, contentUnless: "" },
      { fact: "command" as const, key: writable, script: `[ ! -e ${quote(path)} ] || [ -w ${quote(path)} ]` },
    ]),
  ],

  plan(operation, facts) {
    const written = file.plan(fileOf(operation), facts);
    const live = settingsOf(operation).map((setting) => planLive(setting, facts));
    return together(`kernel settings ${operation.name}`, [written, ...live]);
  },

  claims: (operation) => [
    ...file.claims(fileOf(operation)),
    ...settingsOf(operation).map(({ name }) => `sysctl:${name}`),
  ],
};

function planLive({ name, value, optional, path, writable }: Setting, facts: Facts): Change | undefined {
  const have = facts.paths[path];
  if (have === undefined && optional) return undefined;
  if (facts.commands[writable] === 1) return undefined;
  const now = plain(have?.content ?? "");
  if (have !== undefined && now === plain(value)) return undefined;
  return {
    summary: name,
    diff: [...(have === undefined ? [] : [`-${name} = ${now}`]), `+${name} = ${value}`],
    script: `set_sysctl ${quoteAll([name, value])}`,
    records: [
      {
        resource: `sysctl:${name}`,
        undo: { do: "command", summary: `${name} = ${now}`, script: `restore_sysctl ${quoteAll([name, now])}` },
      },
    ],
  };
}

/** Lists stand with tabs there, with blanks here. */
function plain(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}
