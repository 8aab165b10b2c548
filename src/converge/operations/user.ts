import type { Change, OperationKind, UndoRecord } from "../change.ts";
import { userGroupClaim } from "../claim-names.ts";
import type { Facts } from "../facts.ts";
import type { UserOperation } from "../operations.ts";
import { quote, quoteAll } from "../quote.ts";

export const user: OperationKind<UserOperation> = {
  needs: ({ name, group, groups = [] }) => [
    { fact: "user", name },
    ...[...(group === undefined ? [] : [group]), ...groups].map((one) => ({ fact: "group" as const, name: one })),
  ],

  plan(operation, facts) {
    return facts.users[operation.name] === undefined ? create(operation) : adjust(operation, facts);
  },

  claims: ({ name, group, groups = [], home, shell }) => [
    `user:${name}`,
    ...groups.map((one) => userGroupClaim(name, one)),
    ...([group, home, shell].some((one) => one !== undefined) ? [`user-fields:${name}`] : []),
  ],
};

function create(operation: UserOperation): Change {
  const { name, system = false, uid, group, groups = [], home, shell, makeHome = false } = operation;
  const words = [
    ...(system ? ["--system"] : []),
    ...(uid === undefined ? [] : ["--uid", String(uid)]),
    ...(group === undefined ? ["--user-group"] : ["--gid", group, "--no-user-group"]),
    ...(groups.length === 0 ? [] : ["--groups", groups.join(",")]),
    ...(home === undefined ? [] : ["--home-dir", home]),
    "--shell",
    shell ?? (system ? "/usr/sbin/nologin" : "/bin/bash"),
    makeHome ? "--create-home" : "--no-create-home",
    name,
  ];
  const made = makeHome ? (home ?? `/home/${name}`) : undefined;
  return {
    summary: `user ${name}: create`,
    // Another role of the same run may have made it by now.
    script:
      groups.length === 0
        ? `have_user ${quote(name)} || useradd ${quoteAll(words)}`
        : `if have_user ${quote(name)}; then ${join(name, groups)}; else useradd ${quoteAll(words)}; fi`,
    records: [
      {
        resource: `user:${name}`,
        undo: { do: "user", name, ...(made === undefined ? {} : { home: made }) },
      },
      ...groupsRecord(name, groups),
    ],
  };
}

function adjust({ name, group, groups = [], home, shell }: UserOperation, facts: Facts): Change | undefined {
  const have = facts.users[name]!;
  const missing = groups.filter((one) => {
    const known = facts.groups[one];
    return known === undefined || !(known.members.includes(name) || known.gid === have.gid);
  });
  const words: string[] = [];
  const diff: string[] = [];
  const records: UndoRecord[] = [];
  if (home !== undefined && home !== have.home) {
    words.push("--home", home);
    diff.push(`home ${have.home} -> ${home}`);
  }
  if (shell !== undefined && shell !== have.shell) {
    words.push("--shell", shell);
    diff.push(`shell ${have.shell} -> ${shell}`);
  }
  const gid = group === undefined ? undefined : facts.groups[group]?.gid;
  const otherGroup = group !== undefined && gid !== have.gid;
  if (otherGroup) {
    words.push("--gid", group);
    diff.push(`group -> ${group}`);
  }
  if (words.length > 0) {
    const { home, shell, gid } = have;
    records.push({
      resource: `user-fields:${name}`,
      undo: { do: "user-fields", name, home, shell, ...(otherGroup ? { gid } : {}) },
    });
  }
  if (missing.length > 0) {
    words.push("--append", "--groups", missing.join(","));
    diff.push(`+groups ${missing.join(", ")}`);
    records.push(...groupsRecord(name, missing));
  }
  if (words.length === 0) return undefined;
  return { summary: `user ${name}: ${diff.join(", ")}`, script: `usermod ${quoteAll([...words, name])}`, records };
}

const join = (name: string, groups: readonly string[]): string =>
  `usermod ${quoteAll(["--append", "--groups", groups.join(","), name])}`;

/** Groups may be no longer wished when the user still is, or another role's wish. */
function groupsRecord(name: string, groups: readonly string[]): UndoRecord[] {
  if (groups.length === 0) return [];
  return [{ resource: `user-groups:${name}:${groups.join(",")}`, undo: { do: "user-groups", name, groups } }];
}
