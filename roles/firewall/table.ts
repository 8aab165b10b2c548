import { firewallPlaces } from "../../src/converge/operations/firewall-rule.ts";

const { folder, sum, table } = firewallPlaces;

/** The file that loads the whole table, in one step or not at all. */
export const tableFile = "/etc/olympus/firewall.nft";

/**
 * A table of our own: what it drops stays dropped whatever Docker's or others' tables accept, and theirs stay untouched.
 * Rules of roles are in the chains `in` and `out`.
 */
export function tableText({ egress, routes }: { readonly egress: boolean; readonly routes: boolean }): string {
  const out = egress ? "drop" : "accept";
  const bridges = ["docker*", "br-*", "podman*"];
  return `# Written by the role firewall.
add table ${table}
delete table ${table}
table ${table} {
	chain in {
	}
	chain out {
	}
	chain input {
		type filter hook input priority filter; policy drop;
		ct state vmap { established : accept, related : accept, invalid : drop }
		iifname "lo" accept
		meta l4proto { icmp, ipv6-icmp } accept
		udp sport 67 udp dport 68 accept
		jump in
	}
	chain output {
		type filter hook output priority filter; policy ${out};
		ct state vmap { established : accept, related : accept }
		oifname "lo" accept
		meta l4proto { icmp, ipv6-icmp } accept
		udp sport 68 udp dport 67 accept
		# Connections that began before the kernel followed them: their other end would wait for ever. None can begin so.
		tcp flags & (syn | ack) == ack accept
		# This machine's own containers, also by the ports that they publish on it: their way out is in "forward".
${bridges.map((bridge) => `\t\toifname "${bridge}" accept\n`).join("")}		jump out
${egress ? "\t\treject with icmpx admin-prohibited\n" : ""}	}
	chain forward {
		type filter hook forward priority filter - 10; policy ${routes ? "accept" : "drop"};
		ct state vmap { established : accept, related : accept, invalid : drop }
${routes ? "" : forwarded(bridges, egress)}	}
}
include "${folder}/*.nft"
`;
}

/** Containers among themselves are Docker's business; in from outside through published ports, and out, is ours. */
function forwarded(bridges: readonly string[], egress: boolean): string {
  return [
    ...bridges.flatMap((from) => bridges.map((to) => `iifname "${from}" oifname "${to}" accept`)),
    "ct status dnat jump in",
    ...bridges.map((from) => `iifname "${from}" ${egress ? "jump out" : "accept"}`),
  ]
    .map((line) => `\t\t${line}\n`)
    .join("");
}

const noteSum = `/bin/sh -c 'nft -s list table ${table} | sha256sum >${sum}'`;

/** Loads before the network is up, and again after Debian's own service, which empties all tables when it starts or reloads. */
export const unitText = `[Unit]
Description=Firewall of Olympus
Wants=network-pre.target
Before=network-pre.target shutdown.target
After=nftables.service
PartOf=nftables.service
ReloadPropagatedFrom=nftables.service
Conflicts=shutdown.target
DefaultDependencies=no

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f ${tableFile}
ExecStartPost=${noteSum}
ExecReload=/usr/sbin/nft -f ${tableFile}
ExecReload=${noteSum}

[Install]
WantedBy=sysinit.target
`;
