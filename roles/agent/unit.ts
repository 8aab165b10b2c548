/**
 * Memory that holds secrets gets into no core dump. A kernel that gives dumps to a program (apport, systemd-coredump) asks for no limit,
 * but leaves out what the filter does.
 */
export const noCoreDumps = `LimitCORE=0
CoredumpFilter=0`;

/** What units of ours have in common: nothing but what a Node process needs. V8 writes code at run time, so memory stays executable. */
const always = `${noCoreDumps}
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelModules=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
CapabilityBoundingSet=
UMask=0077`;

export const hardening = `${always}
ProtectKernelLogs=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
SystemCallFilter=@system-service`;

/**
 * With a shell, the process makes namespaces and control groups itself: a part of the tree is its own. A kernel lets an unprivileged
 * user mount a new /proc only where nothing hides parts of the old one, so tunables and the log are left to their own permissions.
 * A command that took too much memory is its own affair: systemd would otherwise stop the whole unit.
 */
const hardeningWithShell = `${always}
Delegate=cpu memory pids
OOMPolicy=continue
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=user mnt pid net uts ipc cgroup
SystemCallFilter=@system-service @mount
SystemCallFilter=~syslog`;

export interface AgentUnit {
  readonly agent: string;
  readonly node: string;
  readonly nodeFlags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly bundle: string;
  readonly credentials: readonly string[];
  /** MiB that the harness itself may take. */
  readonly memoryMax: number;
  /** Of all commands together, where the agent has a shell; memory in MiB. */
  readonly shell?: { readonly memory: number; readonly processes: number } | undefined;
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
MemoryMax=${unit.memoryMax + (unit.shell?.memory ?? 0)}M
TasksMax=${128 + (unit.shell?.processes ?? 0)}
ReadWritePaths=${dataFolder}
${unit.shell === undefined ? hardening : hardeningWithShell}

[Install]
WantedBy=multi-user.target
`;
}
