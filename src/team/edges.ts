import { adminNetworks, type End, inNetworks, neededPorts, openWays } from "./connectivity.ts";
import type { Host } from "./hosts.ts";
import type { LoadedTeam } from "./model.ts";

/** One way over TCP, and whether the matrix opens it. */
export interface Edge {
  /** A host by name, or `admin`: this computer. */
  readonly from: string;
  /** A host by name, or what lies outside. */
  readonly to: string;
  /** Address, or a name where it lies outside. */
  readonly address: string;
  readonly port: number;
  readonly open: boolean;
}

export interface EdgeOptions {
  /** Hosts to try from. */
  readonly from: readonly Host[];
  /** This computer's addresses; those in `network.admin` make it a source. */
  readonly here: readonly string[];
  /** What to ask outside: `github.com`, or another address, which then stands for the internet alone. */
  readonly outside: string;
}

/**
 * Every way that a firewall of the team decides about: each source, each host, each port that the matrix or SSH knows, where
 * one of both ends has the role.
 */
export function edgesOf(team: LoadedTeam, hosts: readonly Host[], { from, here, outside }: EdgeOptions): Edge[] {
  const ways = openWays(team, hosts).filter(({ transport }) => transport === "tcp");
  const rows = team.team.connectivity.filter(({ protocol }) => protocol !== "udp").map(({ port }) => port);
  const admin = adminNetworks(team);
  const own = here.filter((address) => inNetworks(admin, address));
  const sources: Source[] = [
    ...from.map((host) => ({
      ...sourceOf(host),
      closes: closesOut(host.roles.firewall),
      needs: neededPorts(team, host),
    })),
    ...(own.length === 0 ? [] : [{ name: "admin", addresses: own, closes: false, needs: [] }]),
  ];
  return sources.flatMap((source) => {
    const among = hosts
      .filter(({ name, roles }) => name !== source.name && (roles.firewall !== undefined || source.closes))
      .flatMap((host) =>
        [...new Set([host.port, ...rows])].map((port): Edge => {
          const way = ways.some((one) => one.port === port && means(one.from, source) && means(one.to, sourceOf(host)));
          const ssh = port === host.port && source.addresses.some((address) => inNetworks(admin, address));
          return { from: source.name, to: host.name, address: host.address, port, open: way || ssh };
        }),
      );
    const beyond = [...new Set(source.closes ? rows : [])].map((port): Edge => {
      const row = ways.some(
        ({ from: end, to, port: one }) =>
          one === port &&
          means(end, source) &&
          (to.outside === "internet" || (to.outside === "github" && outside === "github.com")),
      );
      return { from: source.name, to: outside, address: outside, port, open: row || source.needs.includes(port) };
    });
    return [...among, ...beyond];
  });
}

interface Source {
  readonly name: string;
  readonly addresses: readonly string[];
  /** Its own firewall decides about what it begins. */
  readonly closes: boolean;
  /** Ports of the internet that it asks beside the matrix. */
  readonly needs: readonly number[];
}

const sourceOf = ({ name, address }: Host): Source => ({ name, addresses: [address], closes: false, needs: [] });

const closesOut = (params: Readonly<Record<string, unknown>> | undefined): boolean =>
  params !== undefined && params.egress !== false;

function means(end: End, { name, addresses }: Pick<Source, "name" | "addresses">): boolean {
  return end.hosts.includes(name) || addresses.some((address) => inNetworks(end.networks, address));
}
