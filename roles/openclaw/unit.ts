import { quote } from "../../src/base/quote.ts";
import { hardening } from "../agent/unit.ts";
import { places, user } from "./places.ts";

/** Its configuration is this role's alone; it neither looks for updates of itself nor for neighbours. */
const environment: Readonly<Record<string, string>> = {
  HOME: places.data,
  OPENCLAW_STATE_DIR: places.data,
  OPENCLAW_CONFIG_PATH: places.config,
  OPENCLAW_CONFIG_READONLY: "1",
  OPENCLAW_DISABLE_BONJOUR: "1",
};

export interface OpenclawUnit {
  readonly agent: string;
  /** Node's program. */
  readonly node: string;
  readonly version: string;
  /** MiB. */
  readonly memoryMax: number;
  readonly authority: string | undefined;
}

/** What it may do, and what runs as its user in its place. */
export const shutIn = (memoryMax: number): string => `MemoryMax=${memoryMax}M
TasksMax=512
ReadWritePaths=${places.data}
InaccessiblePaths=-/srv/olympus/agent
${hardening}
# Its locks need openat2, which systemd forbids with that restriction; without new privileges such files give nobody anything.
RestrictSUIDSGID=no
RestrictAddressFamilies=AF_NETLINK`;

/** OpenClaw's gateway, shut in like the harness. Started, it stops the harness; started, the harness stops it. */
export function openclawUnit({ agent, node, version, memoryMax, authority }: OpenclawUnit): string {
  const variables = { ...environment, ...(authority === undefined ? {} : { NODE_EXTRA_CA_CERTS: authority }) };
  return `[Unit]
Description=OpenClaw ${agent}
Documentation=file://${places.prefix(version)}
Wants=network-online.target
After=network-online.target olympus-agent.service
Conflicts=olympus-agent.service
RequiresMountsFor=/srv/olympus
StartLimitIntervalSec=0

[Service]
Type=exec
User=${user}
Group=${user}
WorkingDirectory=${places.data}
ExecStart=${node} ${places.program(version)} gateway run
${Object.entries(variables)
  .map(([name, value]) => `Environment=${name}=${value}`)
  .join("\n")}
LoadCredential=secrets:${places.secrets}
Restart=always
RestartSec=5
KillMode=mixed
TimeoutStopSec=60
${shutIn(memoryMax)}

[Install]
WantedBy=multi-user.target
`;
}

/** OpenClaw's own look at a configuration, as its own user and with an empty state, before it replaces the one that it runs with. */
export function validateScript(node: string, version: string): string {
  return `d="$(mktemp -d)"
trap 'rm -rf "$d"' EXIT
chown ${user}:${user} "$d"
install -o ${user} -g ${user} -m 0600 "$1" "$d/openclaw.json"
runuser -u ${user} -- env -i PATH=/usr/bin:/bin HOME="$d" OPENCLAW_STATE_DIR="$d" OPENCLAW_CONFIG_PATH="$d/openclaw.json" OPENCLAW_CONFIG_READONLY=1 ${[node, places.program(version)].map(quote).join(" ")} config validate --json`;
}
