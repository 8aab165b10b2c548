import type { Operation } from "../../src/converge/operations.ts";

const folder = "/etc/olympus";
const unit = "olympus-docker-rules.service";

/**
 * Published ports: for these networks, for containers, and for nobody else. Connections that containers begin are not asked. A
 * neighbour can also send to a container's own address, past the address that its port is published on: nobody is let in so.
 */
function rules(networks: readonly string[], containers?: string): string {
  const lines = [
    "-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN",
    "-i docker0 -j RETURN",
    "-i br-+ -j RETURN",
    ...(containers === undefined ? [] : [`-d ${containers} -m conntrack ! --ctstate DNAT -j DROP`]),
    "-m conntrack ! --ctstate DNAT -j RETURN",
    ...networks.map((network) => `-s ${network} -j RETURN`),
    "-j DROP",
  ];
  return `# Written by the role docker.
*filter
:DOCKER-USER - [0:0]
${lines.map((line) => `-A DOCKER-USER ${line}\n`).join("")}COMMIT
`;
}

/**
 * Docker opens published ports past any firewall that looks at what comes to the host. Its own chain for that, DOCKER-USER, is
 * filled before Docker starts, which keeps what it finds there. Where the role firewall is, that one decides, and nothing is here.
 */
export function publishedPorts(networks: readonly string[], containers: string): Operation[] {
  const v4 = `${folder}/docker-user.v4`;
  const v6 = `${folder}/docker-user.v6`;
  return [
    { kind: "directory", id: "etc", path: folder },
    { kind: "file", id: "rules-v4", path: v4, content: rules(networks, containers), restarts: [unit] },
    { kind: "file", id: "rules-v6", path: v6, content: rules([]), restarts: [unit] },
    {
      kind: "unit",
      id: "rules",
      name: unit,
      content: `[Unit]
Description=Who may reach published ports of containers
Before=docker.service
PartOf=docker.service nftables.service
After=nftables.service
# Whoever flushes the rules again and again gets them back each time.
StartLimitIntervalSec=0

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/iptables-restore --wait --noflush ${v4}
ExecStart=/usr/sbin/ip6tables-restore --wait --noflush ${v6}
ExecStop=-/usr/sbin/iptables --wait -F DOCKER-USER
ExecStop=-/usr/sbin/ip6tables --wait -F DOCKER-USER

[Install]
WantedBy=docker.service
`,
      enabled: true,
      running: true,
    },
    {
      kind: "command",
      id: "rules-stand",
      summary: "put the rules for published ports back",
      check: "iptables -w -C DOCKER-USER -j DROP",
      apply: `reload; systemctl restart ${unit}`,
    },
  ];
}
