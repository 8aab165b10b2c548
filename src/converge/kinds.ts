import type { OperationKind } from "./change.ts";
import { archive } from "./operations/archive.ts";
import { command } from "./operations/command.ts";
import { directory } from "./operations/directory.ts";
import { file } from "./operations/file.ts";
import { group } from "./operations/group.ts";
import { line } from "./operations/line.ts";
import { link } from "./operations/link.ts";
import { packages } from "./operations/package.ts";
import { postgresqlDatabase, postgresqlRole } from "./operations/postgresql.ts";
import { unit } from "./operations/unit.ts";
import { user } from "./operations/user.ts";
import { wait } from "./operations/wait.ts";
import type { Operation } from "./operations.ts";

const kinds: { readonly [K in Operation["kind"]]: OperationKind<Extract<Operation, { kind: K }>> } = {
  archive,
  command,
  directory,
  file,
  group,
  line,
  link,
  package: packages,
  "postgresql-database": postgresqlDatabase,
  "postgresql-role": postgresqlRole,
  unit,
  user,
  wait,
};

/** How an operation's kind works. */
export function kindOf<O extends Operation>(operation: O): OperationKind<O> {
  return kinds[operation.kind] as unknown as OperationKind<O>;
}
