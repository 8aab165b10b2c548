import type { FirewallRuleOperation } from "../../src/converge/system-operations.ts";
import { type End, joined, neededPorts, openWays, packageSites } from "../../src/team/connectivity.ts";
import type { Host } from "../../src/team/hosts.ts";
import type { LoadedTeam } from "../../src/team/model.ts";

export type Rule = Omit<FirewallRuleOperation, "kind" | "id">;

/** Not on the internet: private, shared, link-local, loopback and multicast addresses. */
const inside = [
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "224.0.0.0/4",
];

/** Where git at GitHub answers: `git` of https://api.github.com/meta as of 2025-10-01, IPv4. Teams name newer ones as the role's parameter. */
export const githubNetworks = [
  ...["192.30.252.0/22", "185.199.108.0/22", "140.82.112.0/20", "143.55.64.0/20"],
  ...[
    "20.201.28.151",
    "20.205.243.166",
    "20.87.245.0",
    "4.237.22.38",
    "20.207.73.82",
    "20.27.177.113",
    "20.200.245.247",
  ],
  ...[
    "20.175.192.147",
    "20.233.83.145",
    "20.29.134.23",
    "20.199.39.232",
    "20.217.135.5",
    "4.225.11.198",
    "4.208.26.197",
  ],
  ...["20.26.156.215"],
];

/** What the host's firewall lets through: the rows of the matrix that speak of it, and what every machine needs to work. */
export function rulesOf(team: LoadedTeam, host: Host, hosts: readonly Host[], github: readonly string[]): Rule[] {
  const outside = joined([...inside, team.team.network.cidr]);
  const peersOf = (end: End): Pick<Rule, "peers" | "except"> => {
    if (end.outside === "internet") return { except: outside };
    return { peers: end.outside === "github" ? joined(github) : end.networks };
  };
  const ways = openWays(team, hosts);
  const rule = (chain: "in" | "out", { name, transport, port }: (typeof ways)[number], other: End): Rule[] => {
    const peers = peersOf(other);
    if (peers.peers?.length === 0) return [];
    return [{ chain, name, protocol: transport, ports: [port], ...peers }];
  };
  return [
    ...needs(team, host, outside),
    ...ways.filter(({ to }) => to.hosts.includes(host.name)).flatMap((way) => rule("in", way, way.from)),
    ...ways.filter(({ from }) => from.hosts.includes(host.name)).flatMap((way) => rule("out", way, way.to)),
  ];
}

/** Names, time, packages and releases: without them a machine can be neither set up nor kept up to date. */
function needs(team: LoadedTeam, host: Host, outside: readonly string[]): Rule[] {
  const { resolvers, packages } = team.team.network;
  const ports = neededPorts(team, host);
  const mirrors = packageSites(packages).filter(({ byAddress }) => byAddress);
  return [
    { chain: "out", name: "names-udp", protocol: "udp", ports: [53], peers: joined(resolvers) },
    { chain: "out", name: "names-tcp", protocol: "tcp", ports: [53], peers: joined(resolvers) },
    { chain: "out", name: "time", protocol: "udp", ports: [123] },
    ...mirrors.map(({ host: peer, port }): Rule => {
      const name = `packages-${peer.replaceAll(".", "-")}-${port}`;
      return { chain: "out", name, protocol: "tcp", ports: [port], peers: [peer] };
    }),
    ...(ports.length === 0
      ? []
      : [{ chain: "out", name: "packages", protocol: "tcp", ports, except: outside } satisfies Rule]),
  ];
}
