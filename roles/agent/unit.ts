/** What both services' units share: nothing but what a Node process needs. V8 writes code at run time, so memory stays executable. */
export const hardening = `NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
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
UMask=0077`;

export interface AgentUnit {
  readonly agent: string;
  readonly node: string;
  readonly nodeFlags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly bundle: string;
  readonly credentials: readonly string[];
  /** MiB. */
  readonly memoryMax: number;
  /** Seconds that work in progress gets when the unit is stopped. */
  readonly drain: number;
}

export const configFile = "/etc/olympus/agent.json";
export const secretsFolder = "/etc/olympus/secrets";
export const dataFolder = "/srv/olympus/agent";

/** Seconds past the drain limit: one request to the chat server may still be under way (20 s at most), and the store is closed. */
const afterDrain = 25;

/** The harness's unit. Secrets reach it as credentials: files that only its user sees, and that are gone with the process. */
export function agentUnit(unit: AgentUnit): string {
  return `[Unit]
Description=Olympus agent ${unit.agent}
Documentation=file:///opt/olympus
Wants=network-online.target
After=network-online.target
RequiresMountsFor=/srv/olympus
StartLimitIntervalSec=0

[Service]
Type=exec
User=olympus
Group=olympus
WorkingDirectory=${dataFolder}
ExecStart=${[unit.node, ...unit.nodeFlags, `${unit.bundle}/main.mjs`, "--config", configFile].join(" ")}
${Object.entries(unit.environment)
  .map(([name, value]) => `Environment=${name}=${value}`)
  .join("\n")}
${unit.credentials.map((name) => `LoadCredential=${name}:${secretsFolder}/${name}`).join("\n")}
Restart=always
RestartSec=1
KillMode=mixed
TimeoutStopSec=${unit.drain + afterDrain}
MemoryMax=${unit.memoryMax}M
TasksMax=128
ReadWritePaths=${dataFolder}
${hardening}

[Install]
WantedBy=multi-user.target
`;
}
