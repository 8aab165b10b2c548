import { noCoreDumps } from "../agent/unit.ts";

export const unitName = "mattermost.service";
export const programFolder = "/opt/mattermost/current";
export const releasesFolder = "/opt/mattermost/releases";
export const dataFolder = "/srv/olympus/mattermost";
export const settingsFile = "/etc/olympus/mattermost.env";
export const secretsFolder = "/etc/olympus/secrets";
export const secretsFile = `${secretsFolder}/mattermost.env`;

/**
 * The server's unit. Ready means that it listens (it tells systemd so), after migrations that may take long on an upgrade.
 * It restarts by itself when it fails, so it need not be bound to PostgreSQL, whose restarts it survives.
 */
export function mattermostUnit({ memoryMax, credentials = "" }: { memoryMax: number; credentials?: string }): string {
  return `[Unit]
Description=Mattermost
Documentation=https://docs.mattermost.com
Wants=network-online.target postgresql.service
After=network-online.target postgresql.service
RequiresMountsFor=/srv/olympus
StartLimitIntervalSec=0

[Service]
Type=notify
User=mattermost
Group=mattermost
WorkingDirectory=${programFolder}
ExecStart=${programFolder}/bin/mattermost server
EnvironmentFile=${settingsFile}
EnvironmentFile=${secretsFile}
${credentials}Restart=always
RestartSec=2
TimeoutStartSec=3600
TimeoutStopSec=60
LimitNOFILE=49152
${noCoreDumps}
MemoryMax=${memoryMax}M
ReadWritePaths=${dataFolder}
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
CapabilityBoundingSet=
UMask=0027

[Install]
WantedBy=multi-user.target
`;
}

/** The server's folders, owned by its user; on a disk that an earlier root left, that user may have had another number. */
export function dataScripts(): { check: string; apply: string; undo: string } {
  const folders = ["", "/files", "/plugins", "/client-plugins"].map((name) => `${dataFolder}${name}`).join(" ");
  return {
    check: `[ "$(stat -c %U ${folders} | sort -u)" = mattermost ] && { [ ! -e ${dataFolder}/config.json ] || [ "$(stat -c %U ${dataFolder}/config.json)" = mattermost ]; }`,
    apply: `install -d -m 0750 -o mattermost -g mattermost ${folders}
chown -R mattermost:mattermost ${dataFolder}`,
    // Only a purge comes here.
    undo: `back_up_path ${dataFolder}
rm -rf ${dataFolder}`,
  };
}
