import type { OperationKind } from "./change.ts";
import { archive } from "./operations/archive.ts";
import { authorizedKeys } from "./operations/authorized-keys.ts";
import { block } from "./operations/block.ts";
import { command } from "./operations/command.ts";
import { directory } from "./operations/directory.ts";
import { download } from "./operations/download.ts";
import { dropIn } from "./operations/drop-in.ts";
import { file } from "./operations/file.ts";
import { firewallRule } from "./operations/firewall-rule.ts";
import { git } from "./operations/git.ts";
import { group } from "./operations/group.ts";
import { line } from "./operations/line.ts";
import { link } from "./operations/link.ts";
import { mount } from "./operations/mount.ts";
import { npmPackage } from "./operations/npm-package.ts";
import { packages } from "./operations/package.ts";
import { pipxPackage } from "./operations/pipx-package.ts";
import { postgresqlDatabase, postgresqlRole } from "./operations/postgresql.ts";
import { postgresqlSetting } from "./operations/postgresql-setting.ts";
import { sysctl } from "./operations/sysctl.ts";
import { timer } from "./operations/timer.ts";
import { unit } from "./operations/unit.ts";
import { user } from "./operations/user.ts";
import { wait } from "./operations/wait.ts";
import type { Operation } from "./operations.ts";

const kinds: { readonly [K in Operation["kind"]]: OperationKind<Extract<Operation, { kind: K }>> } = {
  archive,
  "authorized-keys": authorizedKeys,
  block,
  command,
  directory,
  download,
  "drop-in": dropIn,
  file,
  "firewall-rule": firewallRule,
  git,
  group,
  line,
  link,
  mount,
  "npm-package": npmPackage,
  package: packages,
  "pipx-package": pipxPackage,
  "postgresql-database": postgresqlDatabase,
  "postgresql-role": postgresqlRole,
  "postgresql-setting": postgresqlSetting,
  sysctl,
  timer,
  unit,
  user,
  wait,
};

/** How an operation's kind works. */
export function kindOf<O extends Operation>(operation: O): OperationKind<O> {
  return kinds[operation.kind] as unknown as OperationKind<O>;
}
