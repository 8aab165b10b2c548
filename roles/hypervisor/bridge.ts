import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { projectRoot } from "../../src/base/paths.ts";
import type { Operation } from "../../src/converge/operations.ts";

const netplanProgram = readFileSync(join(projectRoot, "roles/hypervisor/netplan.py"), "utf8");

/** The bridge over an interface that has the host's address now. The address moves to the bridge. */
export const bridgeSchema = z.strictObject({
  /** `eno1`: what the cable is in. */
  interface: z.string().regex(/^[a-zA-Z][\w.-]{0,14}$/, "A name as `ip link` shows it."),
  /** Who looks after the network there: systemd-networkd by itself, netplan, or ifupdown (`/etc/network/interfaces`). */
  by: z.enum(["networkd", "netplan", "ifupdown"]),
  /** With ifupdown: the file that speaks of the interface. */
  file: z
    .string()
    .regex(/^\/etc\/network\/[\w./-]+$/, "Write a path below /etc/network.")
    .default("/etc/network/interfaces"),
});

export type BridgeChoice = z.output<typeof bridgeSchema>;

export interface BridgeNetwork {
  readonly name: string;
  /** `10.220.1.7/24` */
  readonly address: string;
  readonly gateway: string;
  readonly resolvers: readonly string[];
}

/**
 * Changes of the network are such of who can get in: the host takes them back by itself unless somebody comes in over the bridge. The
 * settings that were there before stay; these are read before them. With ifupdown and netplan, where all settings of an interface count,
 * the interface's own become those of one that has no address, which a reset takes back.
 */
export function bridgeOperations(choice: BridgeChoice, network: BridgeNetwork): Operation[] {
  const { interface: port, by, file } = choice;
  const { files, before, up, down, again } = ways[by](port, network);
  const there = [
    `ip -o -4 addr show dev ${network.name} 2>/dev/null | grep -qF " ${network.address} "`,
    `[ -e /sys/class/net/${network.name}/brif/${port} ]`,
    `[ -z "$(ip -o -4 addr show dev ${port} scope global)" ]`,
  ].join(" && ");
  return [
    ...(by === "ifupdown"
      ? [{ kind: "package", id: "bridge-package", names: ["bridge-utils"] } satisfies Operation]
      : []),
    // Undone last, when the files are as before again.
    {
      kind: "command",
      id: "bridge-before",
      summary: "network as before, when the bridge goes",
      check: files.map(({ path }) => `[ -f ${path} ]`).join(" && "),
      apply: before,
      undo: again.join("\n"),
      access: true,
    },
    ...(by === "ifupdown"
      ? [
          {
            kind: "line",
            id: "bridge-port",
            path: file,
            line: `iface ${port} inet manual`,
            match: `^\\s*iface\\s+${port.replaceAll(".", "\\.")}\\s+inet\\s`,
            access: true,
          } satisfies Operation,
        ]
      : []),
    ...(by === "netplan" ? [netplanPort(port, network.name)] : []),
    ...files.map(
      ({ path, content }, at): Operation => ({
        kind: "file",
        id: `bridge-${at + 1}`,
        path,
        content,
        // netplan warns of settings that others may read.
        mode: by === "netplan" ? "0600" : "0644",
        access: true,
      }),
    ),
    {
      kind: "command",
      id: "bridge-up",
      summary: `bridge ${network.name} over ${port}`,
      check: there,
      apply: `${up}
wait_for 30 '' 'bridge ${network.name}' '${there}'`,
      ...(down === undefined ? {} : { undo: down }),
      access: true,
    },
  ];
}

/** How one of them is told of a bridge. */
interface Way {
  readonly files: readonly Settings[];
  /** sh before any setting is changed. */
  readonly before: string;
  /** sh that brings the bridge up, once its settings are there. */
  readonly up: string;
  /** sh that takes it down while they still are. */
  readonly down?: string;
  /** sh that brings the network of before up, once its settings are there again. */
  readonly again: readonly string[];
}

const without = (bridge: string): string => `if [ -e /sys/class/net/${bridge} ]; then ip link del ${bridge}; fi`;

const ways: Record<BridgeChoice["by"], (port: string, network: BridgeNetwork) => Way> = {
  networkd(port, network) {
    const up = "systemctl enable -q --now systemd-networkd && networkctl reload";
    const again = [up, without(network.name), `networkctl reconfigure ${port}`];
    return { files: networkdFiles(port, network), before: ":", up, again };
  },
  netplan(port, network) {
    const up = "netplan generate && netplan apply";
    return { files: netplanFile(port, network), before: ":", up, again: [up, without(network.name)] };
  },
  ifupdown(port, network) {
    const { name } = network;
    return {
      files: ifupdownFile(port, network),
      // As long as its settings say how: afterwards nothing would end a DHCP client.
      // By force, both ways: ifupdown does not know of an interface that something else brought up.
      before: `ifdown --force ${port} || : "it was not all up"; ip addr flush dev ${port} scope global`,
      up: `if ! ifquery --state ${name} >/dev/null; then ifup ${name}; fi`,
      down: `if ifquery --state ${name} >/dev/null; then ifdown ${name}; fi`,
      again: [without(name), `ip addr flush dev ${port} scope global; ifup --force ${port}`],
    };
  },
};

interface Settings {
  readonly path: string;
  readonly content: string;
}

function networkdFiles(port: string, { name, address, gateway, resolvers }: BridgeNetwork): Settings[] {
  const folder = "/etc/systemd/network";
  return [
    {
      path: `${folder}/05-olympus-${name}.netdev`,
      content: `[NetDev]\nName=${name}\nKind=bridge\n\n[Bridge]\nSTP=no\nForwardDelaySec=0\n`,
    },
    {
      path: `${folder}/05-olympus-${name}-port.network`,
      content: `[Match]\nName=${port}\n\n[Network]\nBridge=${name}\n`,
    },
    {
      path: `${folder}/05-olympus-${name}.network`,
      content: `[Match]
Name=${name}

[Network]
Address=${address}
Gateway=${gateway}
${resolvers.map((one) => `DNS=${one}\n`).join("")}`,
    },
  ];
}

/** What other files of netplan give the port. Saved aside, since it is put back byte for byte. */
function netplanPort(port: string, bridge: string): Operation {
  const run = (verb: string): string =>
    `python3 - ${verb} ${port} /var/lib/olympus/netplan-${bridge} <<'END_OF_PROGRAM'\n${netplanProgram}END_OF_PROGRAM`;
  return {
    kind: "command",
    id: "bridge-port",
    summary: `what /etc/netplan gives ${port}: take it out`,
    check: run("bare"),
    apply: run("strip"),
    undo: run("restore"),
    access: true,
  };
}

function netplanFile(port: string, { name, address, gateway, resolvers }: BridgeNetwork): Settings[] {
  return [
    {
      path: `/etc/netplan/90-olympus-${name}.yaml`,
      content: `network:
  version: 2
  ethernets:
    ${port}:
      dhcp4: false
      dhcp6: false
      addresses: []
  bridges:
    ${name}:
      interfaces: [${port}]
      addresses: [${address}]
      routes: [{ to: default, via: ${gateway} }]
      nameservers: { addresses: [${resolvers.join(", ")}] }
      parameters: { stp: false, forward-delay: 0 }
`,
    },
  ];
}

function ifupdownFile(port: string, { name, address, gateway, resolvers }: BridgeNetwork): Settings[] {
  return [
    {
      path: `/etc/network/interfaces.d/olympus-${name}`,
      content: `auto ${name}
iface ${name} inet static
    address ${address}
    gateway ${gateway}
    dns-nameservers ${resolvers.join(" ")}
    bridge_ports ${port}
    bridge_stp off
    bridge_fd 0
`,
    },
  ];
}
