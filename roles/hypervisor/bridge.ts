import { z } from "zod";
import type { Operation } from "../../src/converge/operations.ts";

/** The bridge over an interface that has the host's address now. The address moves to the bridge. */
export const bridgeSchema = z.strictObject({
  /** `eno1`: what the cable is in. */
  interface: z.string().regex(/^[a-zA-Z][\w.-]{0,14}$/, "A name as `ip link` shows it."),
  /** Who looks after the network there: systemd-networkd by itself, or netplan. */
  by: z.enum(["networkd", "netplan"]),
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
 * settings that were there before stay; these are read before them.
 */
export function bridgeOperations({ interface: port, by }: BridgeChoice, network: BridgeNetwork): Operation[] {
  const files = by === "netplan" ? netplanFile(port, network) : networkdFiles(port, network);
  const reload =
    by === "netplan"
      ? "netplan generate && netplan apply"
      : "systemctl enable -q --now systemd-networkd && networkctl reload";
  const there = `ip -o -4 addr show dev ${network.name} 2>/dev/null | grep -qF " ${network.address} " && [ -e /sys/class/net/${network.name}/brif/${port} ]`;
  const apply = `${reload}
wait_for 30 '' 'bridge ${network.name}' '${there}'`;
  return [
    // Undone last, when the files are as before again.
    {
      kind: "command",
      id: "bridge-before",
      summary: "network as before, when the bridge goes",
      check: files.map(({ path }) => `[ -f ${path} ]`).join(" && "),
      apply: ":",
      undo: `${reload}
if [ -e /sys/class/net/${network.name} ]; then ip link del ${network.name}; fi
${by === "networkd" ? `networkctl reconfigure ${port}` : ":"}`,
      access: true,
    },
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
      apply,
      access: true,
    },
  ];
}

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
