import { Secret } from "../../src/base/secret.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { noCoreDumps } from "../agent/unit.ts";
import { program, programFolder, storeUser } from "./programs.ts";
import type { BackupParams, Sender } from "./role.ts";

const secretsFolder = "/etc/olympus/secrets";
const tool = `${programFolder}/backup`;

/** What makes, verifies and restores this host's backups, and the timer that does the first two. */
export function senderOperations(sender: Sender, { schedule, metrics }: BackupParams): Operation[] {
  const { databases, folders, live, units, packages, store, key, identity, recipients } = sender;
  const settings = {
    DATABASES: databases.join(" "),
    FOLDERS: folders.join(" "),
    LIVE: live.join(" "),
    UNITS: units.join(" "),
    STORE: `${storeUser}@${store.address}`,
    PORT: String(store.port),
    METRICS: metrics,
  };
  const known = store.port === 22 ? store.address : `[${store.address}]:${store.port}`;
  return [
    { kind: "package", id: "programs-needed", names: packages },
    { kind: "directory", id: "srv", path: "/srv/olympus", data: "backups" },
    { kind: "directory", id: "etc", path: "/etc/olympus" },
    { kind: "directory", id: "secrets", path: secretsFolder, mode: "0700" },
    { kind: "file", id: "transport-key", path: `${secretsFolder}/backup-ssh`, content: key, mode: "0600" },
    {
      kind: "file",
      id: "identity",
      path: `${secretsFolder}/backup-age`,
      content: new Secret(identity.name, identity.reveal()),
      mode: "0600",
    },
    { kind: "file", id: "recipients", path: "/etc/olympus/backup.recipients", content: `${recipients.join("\n")}\n` },
    {
      kind: "file",
      id: "known-hosts",
      path: "/etc/olympus/backup.known_hosts",
      content: `${known} ${store.hostKey.split(" ").slice(0, 2).join(" ")}\n`,
    },
    {
      kind: "file",
      id: "settings",
      path: "/etc/olympus/backup.conf",
      content: Object.entries(settings)
        .map(([name, value]) => `${name}='${value}'\n`)
        .join(""),
    },
    { kind: "file", id: "program", path: tool, content: program("backup.sh"), mode: "0755" },
    {
      kind: "unit",
      id: "service",
      name: "olympus-backup.service",
      content: `[Unit]
Description=Olympus backup, made and verified
Wants=network-online.target
After=network-online.target postgresql.service

[Service]
Type=oneshot
ExecStart=${tool} now
ExecStart=${tool} verify
Nice=10
IOSchedulingClass=idle
TimeoutStartSec=6h
${noCoreDumps}
`,
    },
    {
      kind: "unit",
      id: "timer",
      name: "olympus-backup.timer",
      content: `[Unit]
Description=Olympus backup, when it is due

[Timer]
OnCalendar=${schedule}
RandomizedDelaySec=15min
Persistent=yes

[Install]
WantedBy=timers.target
`,
      enabled: true,
      running: true,
    },
    // Notes of when; gone with the role.
    { kind: "directory", id: "state", path: "/var/lib/olympus-backup", mode: "0700" },
    {
      kind: "command",
      id: "state-files",
      summary: "notes of when backups were made",
      check: "[ -e /var/lib/olympus-backup/lock ]",
      apply: ": >/var/lib/olympus-backup/lock",
      undo: `rm -f /var/lib/olympus-backup/lock /var/lib/olympus-backup/made /var/lib/olympus-backup/verified ${metrics}`,
    },
  ];
}
