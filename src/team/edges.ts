import { adminNetworks, type End, inNetworks, neededPorts, openWays } from "./connectivity.ts";
import type { Host } from "./hosts.ts";
import type { LoadedTeam } from "./model.ts";

type Transport = "tcp" | "udp";

/** One way, and whether the matrix opens it. */
export interface Edge {
  /** A host by name, or `admin`: this computer. */
  readonly from: string;
  /** A host by name, or what lies outside. */
  readonly to: string;
  /** Address, or a name where it lies outside. */
  readonly address: string;
  readonly transport: Transport;
  readonly port: number;
  readonly open: boolean;
  /**
   * What it means when nobody answers a datagram. `arrived`: the host that it left lets it go, and no firewall of the team stands at
   * the other end. `held`: whoever is asked answers. `unsure`: a program may be quiet, a firewall too.
   */
  readonly silence: "arrived" | "held" | "unsure";
}

/** A port of a host. */
export interface Port {
  readonly transport: Transport;
  readonly port: number;
}

/** A port that a program has open. */
export interface ListeningPort extends Port {
  /** Addresses and networks that rules of the host let in there, where they are for some only; everybody unless given, but for `except`. */
  readonly letIn?: readonly {
    readonly peers?: readonly string[] | undefined;
    readonly except?: readonly string[] | undefined;
  }[];
}

export interface EdgeOptions {
  /** Hosts to try from. */
  readonly from: readonly Host[];
  /** This computer's addresses; those in `network.admin` make it a source. */
  readonly here: readonly string[];
  /** What to ask outside: `github.com`, or another address, which then stands for the internet alone. */
  readonly outside: string;
  /** Ports that programs have open by now, by host: a row may have none of them. */
  readonly listening?: ReadonlyMap<string, readonly ListeningPort[]>;
}

const time = 123;
const names = 53;

/**
 * Every way that a firewall of the team decides about, where one of both ends has the role: each source, each host, each port that
 * the matrix or SSH knows, that a program listens at there, and one that nothing knows.
 */
export function edgesOf(team: LoadedTeam, hosts: readonly Host[], options: EdgeOptions): Edge[] {
  const { from, here, outside, listening = new Map<string, readonly ListeningPort[]>() } = options;
  const ways = openWays(team, hosts);
  const rows = team.team.connectivity.map(({ protocol, port }): Port => {
    return { transport: protocol === "udp" ? "udp" : "tcp", port };
  });
  const { resolvers } = team.team.network;
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
  const taken = [rows, ...listening.values()].flat().map(({ port }) => port);
  const decoys = decoysBeside([...taken, ...hosts.map(({ port }) => port), ...sources.flatMap(({ needs }) => needs)]);

  const among = (source: Source, host: Host): Edge[] => {
    // What a rule of another role lets this source reach is neither right nor wrong by the matrix.
    const found = (listening.get(host.name) ?? []).filter(({ letIn = [] }) => !letIn.some((one) => lets(one, source)));
    return distinct([{ transport: "tcp", port: host.port }, ...rows, ...found, ...decoys]).map(
      ({ transport, port }) => {
        const kept = host.roles.firewall !== undefined;
        const way = ways.some(
          (one) =>
            one.transport === transport &&
            one.port === port &&
            means(one.from, source) &&
            means(one.to, sourceOf(host)),
        );
        const ssh = port === host.port && source.addresses.some((address) => inNetworks(admin, address));
        // What every machine may ask; nobody closes it where the other end has no firewall.
        const free =
          !kept && ((transport === "udp" && port === time) || (port === names && resolvers.includes(host.address)));
        return {
          from: source.name,
          to: host.name,
          address: host.address,
          transport,
          port,
          open: way || free || (transport === "tcp" && ssh),
          silence: kept ? "unsure" : "arrived",
        };
      },
    );
  };

  const beyond = (source: Source): Edge[] => [
    ...resolvers
      .filter((address) => !hosts.some((host) => host.address === address))
      .map((address): Edge => {
        const at = { from: source.name, to: address, address, transport: "udp", port: names } as const;
        return { ...at, open: true, silence: "held" };
      }),
    ...distinct([...rows, { transport: "udp", port: time }, ...decoys]).map(({ transport, port }): Edge => {
      const row = ways.some(
        ({ from: end, to, transport: by, port: one }) =>
          by === transport &&
          one === port &&
          means(end, source) &&
          (to.outside === "internet" || (to.outside === "github" && outside === "github.com")),
      );
      const need = transport === "udp" ? port === time : source.needs.includes(port);
      const at = { from: source.name, to: outside, address: outside, transport, port };
      return { ...at, open: row || need, silence: "arrived" };
    }),
  ];

  return sources.flatMap((source) => [
    ...hosts
      .filter(({ name, roles }) => name !== source.name && (roles.firewall !== undefined || source.closes))
      .flatMap((host) => among(source, host)),
    ...(source.closes ? beyond(source) : []),
  ]);
}

/** A port for each transport that nothing speaks of: rules that let through more than the matrix says show there. */
function decoysBeside(taken: readonly number[]): Port[] {
  let port = 40_404;
  while (taken.includes(port)) port += 1;
  return [
    { transport: "tcp", port },
    { transport: "udp", port },
  ];
}

const distinct = (ports: readonly Port[]): Port[] => [
  ...new Map(ports.map((one) => [`${one.port}/${one.transport}`, one])).values(),
];

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

const lets = ({ peers, except = [] }: NonNullable<ListeningPort["letIn"]>[number], { addresses }: Source): boolean =>
  addresses.some((address) => (peers === undefined || inNetworks(peers, address)) && !inNetworks(except, address));

function means(end: End, { name, addresses }: Pick<Source, "name" | "addresses">): boolean {
  return end.hosts.includes(name) || addresses.some((address) => inNetworks(end.networks, address));
}
