import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Hierarchies, makeGroups } from "./cgroups.ts";
import type { ProcessId } from "./processes.ts";
import { run, tryRun } from "./sh.ts";
import { spawnDetached } from "./spawn.ts";

/** A network of lab machines: a bridge in a namespace of its own, with NAT to the outside and one leg on this computer. */
export interface NetworkSpec {
  /** Name of the lab that it belongs to; unique on this computer. */
  readonly lab: string;
  /** `10.220.1.0/24` */
  readonly cidr: string;
  readonly gateway: string;
  /** This computer's address in the network. */
  readonly hostAddress: string;
  /** Name of this computer's interface, at most 15 characters. */
  readonly hostInterface: string;
  /** Folder for logs. */
  readonly dir: string;
  /** The network and its machines end with this process. */
  readonly endsWithUs?: boolean;
}

export interface Network extends NetworkSpec {
  /** Holds the gateway's network namespace. */
  readonly holder: ProcessId;
}

/** What a lab's interface on this computer is marked with: its name and its folder. The kernel keeps 255 characters. */
export function aliasOf(lab: string, dir: string): string {
  return `olympus-lab:${lab}:${dir.replaceAll('"', "")}`.slice(0, 200);
}

/** User-mode NAT's own network, seen only by the gateway: a range nobody routes (set aside for benchmarks). */
const outside = { cidr: "198.18.220.0/24", resolver: "198.18.220.3" };

/** Prefix length of `10.220.1.0/24`. */
export function prefixOf(cidr: string): string {
  return cidr.slice(cidr.indexOf("/") + 1);
}

/**
 * Starts gateway, bridge and NAT. Nothing of the host changes but one more interface: NAT is done by a process
 * (slirp4netns) with ordinary sockets, and the only rules stand inside the gateway's namespace.
 */
export async function startNetwork(spec: NetworkSpec, hierarchies: Hierarchies): Promise<Network> {
  const groups = await makeGroups(hierarchies, spec.lab, "gateway", {
    memory: 512,
    pids: 200,
    devices: ["c 10:200 rwm"],
  });
  const log = (name: string): string => join(spec.dir, "log", `${name}.log`);
  const holder = await spawnDetached(
    ["unshare", "--net", "--uts", "sh", "-c", "echo ready; read go || exit 1; exec sleep infinity"],
    {
      groups,
      log: log("gateway"),
      ...endsWithUs(spec),
    },
  );
  const { pid } = holder.process;
  const prefix = prefixOf(spec.cidr);
  await inNamespace(
    pid,
    "ip",
    ["-batch", "-"],
    [
      "link set dev lo up",
      "link add lab0 type bridge stp_state 0 forward_delay 0",
      `address add ${spec.gateway}/${prefix} dev lab0`,
      "link set dev lab0 up",
    ],
  );
  await run("ip", ["-batch", "-"], {
    input: lines([
      `link add name ${spec.hostInterface} type veth peer name host0 netns ${pid}`,
      `link set dev ${spec.hostInterface} alias "${aliasOf(spec.lab, spec.dir)}" addrgenmode none`,
      `address add ${spec.hostAddress}/${prefix} dev ${spec.hostInterface}`,
      `link set dev ${spec.hostInterface} up`,
    ]),
  });
  await inNamespace(pid, "ip", ["-batch", "-"], ["link set dev host0 master lab0 up"]);
  await startNat(spec, pid, groups, log("nat"));
  // Everything was made: from now on the gateway outlives this process.
  holder.go();
  return { ...spec, holder: holder.process };
}

async function startNat(spec: NetworkSpec, pid: number, groups: readonly string[], log: string): Promise<void> {
  // Its ready descriptor is stdout, so that readiness is the first line we wait for.
  const nat = await spawnDetached(
    ["slirp4netns", "--configure", "--mtu=65520", "--disable-host-loopback", "--ready-fd=3"].concat([
      `--cidr=${outside.cidr}`,
      String(pid),
      "tap0",
    ]),
    { groups, log, readyFd: true, ...endsWithUs(spec) },
  );
  nat.go();
  await inNamespace(pid, "sh", ["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"], []);
  await inNamespace(
    pid,
    "nft",
    ["-f", "-"],
    [
      "table ip lab {",
      "  chain names {",
      "    type nat hook prerouting priority dstnat;",
      `    ip daddr ${spec.gateway} udp dport 53 dnat to ${outside.resolver}`,
      `    ip daddr ${spec.gateway} tcp dport 53 dnat to ${outside.resolver}`,
      "  }",
      "  chain outside {",
      "    type nat hook postrouting priority srcnat;",
      '    oifname "tap0" masquerade',
      "  }",
      "}",
    ],
  );
}

/** Runs a program in the network namespace of process `pid`, giving it `input` as lines on stdin. */
export async function inNamespace(
  pid: number,
  program: string,
  args: readonly string[],
  input: readonly string[],
): Promise<string> {
  return run("nsenter", ["--net", "--target", String(pid), program, ...args], { input: lines(input) });
}

/** Joins a machine to the network. For a hypervisor its address stands on the bridge, and the cable is a port of that bridge. */
export async function plug(
  network: Network,
  machine: { name: string; address: string; pid: number; bridge?: string },
): Promise<void> {
  const port = portName(machine.name);
  const mac = macOf(network.lab, machine.name);
  const prefix = prefixOf(network.cidr);
  await run("ip", ["-batch", "-"], {
    input: lines([
      `link add name ${port} netns ${network.holder.pid} type veth peer name eth0 address ${mac} netns ${machine.pid}`,
    ]),
  });
  const top = machine.bridge ?? "eth0";
  await Promise.all([
    inNamespace(network.holder.pid, "ip", ["-batch", "-"], [`link set dev ${port} master lab0 up`]),
    inNamespace(
      machine.pid,
      "ip",
      ["-batch", "-"],
      [
        "link set dev lo up",
        ...(machine.bridge === undefined
          ? []
          : [
              `link add ${top} address ${mac} type bridge stp_state 0 forward_delay 0`,
              `link set dev eth0 master ${top} up`,
            ]),
        `address add ${machine.address}/${prefix} dev ${top}`,
        `link set dev ${top} up`,
        `route add default via ${network.gateway}`,
      ],
    ),
  ]);
}

/** A machine keeps its hardware address, or others would talk to the one from before its restart for up to half a minute. */
function macOf(lab: string, machine: string): string {
  const bytes = createHash("sha256").update(`${lab}/${machine}`).digest("hex").slice(0, 10);
  return `02:${bytes.replace(/..(?=.)/g, "$&:")}`;
}

/** Removes a machine's cable; fine when it is gone already. */
export async function unplug(network: Network, name: string): Promise<void> {
  await tryRun("nsenter", ["--net", "--target", String(network.holder.pid), "ip", "link", "delete", portName(name)]);
}

/** Name of the gateway's end of a machine's cable; interface names end at 15 characters. */
function portName(machine: string): string {
  const name = `p-${machine}`;
  if (name.length <= 15) return name;
  return `${name.slice(0, 9)}-${createHash("sha256").update(machine).digest("hex").slice(0, 5)}`;
}

function endsWithUs(spec: NetworkSpec): { endsWithUs?: true } {
  return spec.endsWithUs ? { endsWithUs: true } : {};
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join("");
}
