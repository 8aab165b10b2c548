import { z } from "zod";
import { exitCodes, OlympusError } from "../../src/base/errors.ts";
import type { Secret } from "../../src/base/secret.ts";
import { defineRole, type RoleContext } from "../../src/converge/types.ts";
import type { Host } from "../../src/team/hosts.ts";
import { acceptedKeys, sealingKeys, transportKey } from "./keys.ts";
import { senderOperations } from "./sender.ts";
import { storeOperations } from "./store.ts";

const absolute = z.string().regex(/^\/[\w./-]+$/, "Write an absolute path.");

const params = z.strictObject({
  /** The host that keeps this one's backups; it needs the role too. A host without `to` only keeps those of others. */
  to: z.string().optional(),
  /** When, as systemd's OnCalendar. */
  schedule: z
    .string()
    .regex(/^[\w\d:*/,. -]+$/)
    .default("daily"),
  /** Days that backups are kept; the newest three stay in any case. */
  keepDays: z.int().min(1).default(30),
  /** Days after which a last verified backup is too old. */
  maxAgeDays: z.number().positive().default(2),
  /** Beside what the host's roles have: folders, and databases of its PostgreSQL. */
  folders: z.array(absolute).default([]),
  databases: z.array(z.string().regex(/^[a-z_][a-z0-9_]*$/)).default([]),
  /** For Prometheus's textfile collector; written where its folder exists. */
  metrics: absolute.default("/var/lib/prometheus/node-exporter/olympus_backup.prom"),
});

export type BackupParams = z.output<typeof params>;

/** What a host with data sends, and where to. */
export interface Sender {
  readonly databases: readonly string[];
  readonly folders: readonly string[];
  /** Those of `folders` with SQLite databases that are written to. */
  readonly live: readonly string[];
  /** Stopped while a backup is restored. */
  readonly units: readonly string[];
  readonly packages: readonly string[];
  readonly store: { readonly address: string; readonly port: number; readonly hostKey: string };
  readonly key: Secret;
  readonly identity: Secret;
  readonly recipients: readonly string[];
}

export interface BackupInputs {
  readonly sender?: Sender | undefined;
  /** Hosts that send their backups here. */
  readonly kept: readonly { readonly name: string; readonly keys: readonly string[]; readonly keepDays: number }[];
}

/** Encrypted backups of a host's data on another host, by a timer, each one tried by restoring it. */
export const role = defineRole<BackupParams, BackupInputs>({
  name: "backup",
  summary: "encrypted backups on another host, each one verified; restore",
  requires: [{ role: "base", on: "host" }],
  params,
  data: { backups: "the backups of other hosts, in /srv/olympus/backups" },

  async inputs(context, own) {
    const { hosts, host, secrets } = context;
    const senders = hosts.filter(({ roles }) => roles.backup?.to === host.name);
    const kept = senders.map(({ name, roles }) => ({
      name,
      keys: acceptedKeys(name, secrets),
      keepDays: params.parse(roles.backup).keepDays,
    }));
    const sender = own.to === undefined ? undefined : await senderOf(context, own, own.to);
    await secrets.save();
    if (sender === undefined && kept.length === 0) {
      throw backupError(context, "sends its backups nowhere, and no host sends it any", "roles: { backup: { to: … } }");
    }
    return { kept, sender };
  },

  setup({ sender, kept }, own) {
    return [
      { kind: "directory", id: "programs", path: "/opt/olympus/backup" },
      ...(kept.length === 0 ? [] : storeOperations(kept)),
      ...(sender === undefined ? [] : senderOperations(sender, own)),
    ];
  },
});

async function senderOf(context: RoleContext, own: BackupParams, to: string): Promise<Sender> {
  const { hosts, host, secrets } = context;
  const store = hosts.find(({ name }) => name === to);
  if (store === undefined || store.name === host.name || store.roles.backup === undefined) {
    throw backupError(context, `backups cannot go to ${to}`, "Name another host of the team that has the role backup.");
  }
  const hostKey = store.machine === undefined ? store.hostKey : secrets.require(`hosts.${store.name}.public`).reveal();
  if (hostKey === undefined) throw backupError(context, `${to} has no pinned host key`, `npx olympus pin ${to}`);
  const chat = "mattermost" in host.roles;
  const agent = "agent" in host.roles;
  const live = [
    ...(agent ? ["/srv/olympus/agent"] : []),
    ...("openclaw" in host.roles ? ["/srv/olympus/openclaw"] : []),
    ...own.folders,
  ];
  return {
    databases: [...(chat ? ["mattermost"] : []), ...own.databases],
    folders: [...(chat ? ["/srv/olympus/mattermost"] : []), ...live],
    live,
    units: unitsOf(host),
    packages: ["age", "openssh-client", "sqlite3"],
    store: { address: store.address, port: store.port, hostKey },
    key: transportKey(host.name, secrets).private,
    ...(await sealingKeys(host.name, secrets)),
  };
}

function unitsOf({ roles }: Host): string[] {
  const units = { mattermost: "mattermost.service", agent: "olympus-agent.service", openclaw: "openclaw.service" };
  return Object.entries(units).flatMap(([name, unit]) => (name in roles ? [unit] : []));
}

function backupError({ host, team }: RoleContext, message: string, hint: string): OlympusError {
  return new OlympusError(`${host.name}: ${message}.`, {
    code: "E-BACKUP-ROLE",
    exit: exitCodes.usage,
    where: team.file,
    hint,
  });
}
