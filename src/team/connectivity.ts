import type { Host } from "./hosts.ts";
import { addressNumber, networkOf } from "./ipv4.ts";
import type { LoadedTeam } from "./model.ts";

/** An end of a row of the connectivity matrix. */
export interface End {
  /** The team's hosts that it means. */
  readonly hosts: readonly string[];
  /** Addresses and networks, none inside another. */
  readonly networks: readonly string[];
  /** What lies outside the team and its network. */
  readonly outside?: "internet" | "github";
}

/** A row of the matrix with its ends resolved. */
export interface Way {
  readonly from: End;
  readonly to: End;
  /** `agents-to-chat-tcp-8065`: unique, and fit for a file's name. */
  readonly name: string;
  readonly transport: "tcp" | "udp";
  readonly port: number;
}

/** The open rows; each one once. Whatever none of them names is closed. */
export function openWays(team: LoadedTeam, hosts: readonly Host[]): Way[] {
  const ways = team.team.connectivity
    .filter(({ open }) => open)
    .map((row): Way => {
      const transport = row.protocol === "udp" ? "udp" : "tcp";
      return {
        from: endOf(team, hosts, row.from),
        to: endOf(team, hosts, row.to),
        name: `${row.from}-to-${row.to}-${transport}-${row.port}`.replace(/[^a-z0-9-]/g, "-"),
        transport,
        port: row.port,
      };
    });
  return ways.filter(({ name }, at) => ways.findIndex((other) => other.name === name) === at);
}

/** Networks of people, and the jump hosts that they come through. */
export function adminNetworks({ team }: LoadedTeam): string[] {
  const jumps = [team.network.jump, ...Object.values(team.hypervisors).map(({ jump }) => jump)];
  return joined([
    ...team.network.admin,
    ...jumps.flatMap((jump) => (jump === undefined || addressNumber(jump.address) === undefined ? [] : [jump.address])),
  ]);
}

/**
 * Ports of the internet that a host asks whatever the matrix says: package sources by name (without any, the distribution's own),
 * and the publisher of the chat.
 */
export function neededPorts({ team }: LoadedTeam, { roles }: Host): number[] {
  const sites = packageSites(team.network.packages);
  const named = sites.filter(({ byAddress }) => !byAddress).map(({ port }) => port);
  return [...new Set([...(sites.length === 0 ? [80] : named), ...(roles.mattermost === undefined ? [] : [443])])];
}

/** Where packages come from. */
export function packageSites(packages: LoadedTeam["team"]["network"]["packages"]) {
  const lines = packages.debian.flatMap((line) => /https?:\/\/[^\s/]+/.exec(line)?.[0] ?? []);
  const urls = [...new Set([...(packages.proxy === undefined ? [] : [new URL(packages.proxy).origin]), ...lines])];
  return urls.map((text) => {
    const { hostname, port, protocol } = new URL(text);
    return {
      host: hostname,
      port: Number(port) || (protocol === "https:" ? 443 : 80),
      byAddress: addressNumber(hostname) !== undefined,
    };
  });
}

/** What a word of the matrix means: a group, a service, a host, a network. */
export function endOf(team: LoadedTeam, hosts: readonly Host[], word: string): End {
  const these = (list: readonly Host[]): End => ({
    hosts: list.map(({ name }) => name),
    networks: joined(list.map(({ address }) => address)),
  });
  switch (word) {
    case "agents":
    case "services":
    case "hypervisors":
      return these(hosts.filter(({ kind }) => `${kind}s` === word));
    case "admin":
      return { hosts: [], networks: adminNetworks(team) };
    case "internet":
    case "github":
      return { hosts: [], networks: [], outside: word };
  }
  const named = hosts.filter(({ name }) => name === word);
  if (named.length > 0) return these(named);
  const network = networkOf(word);
  if (network === undefined || !word.includes("/")) {
    return these(
      hosts.filter(({ machine }) => machine?.service?.services.some((service) => service === word) === true),
    );
  }
  const within = hosts.filter(({ address }) => holds(network, address));
  return { hosts: within.map(({ name }) => name), networks: [word] };
}

/** Without those that lie inside another: sets of a firewall must not overlap. */
export function joined(networks: readonly string[]): string[] {
  const plain = [...new Set(networks.map((one) => one.replace(/\/32$/, "")))];
  const parsed = plain.map((text) => ({
    text,
    ...(networkOf(text.includes("/") ? text : `${text}/32`) ?? { first: -1, last: -1 }),
  }));
  return parsed
    .filter(
      (one, at) =>
        !parsed.some(
          (other, place) =>
            place !== at &&
            other.first <= one.first &&
            other.last >= one.last &&
            (other.first !== one.first || other.last !== one.last || place < at),
        ),
    )
    .map(({ text }) => text);
}

/** Whether one of the networks holds the address. */
export function inNetworks(networks: readonly string[], address: string): boolean {
  return networks.some((one) => {
    const network = networkOf(one.includes("/") ? one : `${one}/32`);
    return network !== undefined && holds(network, address);
  });
}

function holds({ first, last }: { readonly first: number; readonly last: number }, address: string): boolean {
  const number = addressNumber(address);
  return number !== undefined && number >= first && number <= last;
}
