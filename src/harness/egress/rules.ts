import { BlockList, isIP } from "node:net";

/** One place that commands may reach. */
export interface Rule {
  readonly host: string;
  readonly port: number;
  /** Named by the machine's own configuration or written as an address: it may stand in a private network. */
  readonly local: boolean;
  /** From an http:// address: without a tunnel, in which nobody sees what is asked for and of whom. */
  readonly plain: boolean;
}

/** The rule that lets a connection out; undefined when there is none. Only whole names count, in any case. */
export function ruleFor(rules: readonly Rule[], host: string, port: number): Rule | undefined {
  const name = host.toLowerCase().replace(/\.$/, "");
  return rules.find((rule) => rule.host === name && rule.port === port);
}

/** A rule from an entry of the team file that is no client's name: `host`, `host:port` or `address:port`. */
export function ruleOf(entry: string): Rule {
  const [, host = "", port = "443"] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(entry) ?? [];
  const name = host.replace(/^\[|\]$/g, "").toLowerCase();
  return { host: name, port: Number(port), local: isIP(name) !== 0, plain: false };
}

/** A rule for an address that a client uses. */
export function ruleOfUrl(url: string): Rule {
  const { hostname, port, protocol } = new URL(url);
  const plain = protocol === "http:";
  const usual = plain ? 80 : 443;
  return { host: hostname.replace(/^\[|\]$/g, ""), port: port === "" ? usual : Number(port), local: true, plain };
}

/**
 * Whether a TLS client that names a server means the rule's. A connection to one machine is one to all that it serves: thousands of
 * names on a content network. Addresses are not named.
 */
export function isNamed({ host }: Rule, name: string | undefined): boolean {
  return name === host || (name === undefined && isIP(host) !== 0);
}

const own = new BlockList();
own.addSubnet("127.0.0.0", 8);
own.addSubnet("0.0.0.0", 8);
own.addSubnet("169.254.0.0", 16);
own.addSubnet("224.0.0.0", 3);
own.addSubnet("::", 127, "ipv6");
own.addSubnet("fe80::", 10, "ipv6");
own.addSubnet("ff00::", 8, "ipv6");

const lan = new BlockList();
lan.addSubnet("10.0.0.0", 8);
lan.addSubnet("172.16.0.0", 12);
lan.addSubnet("192.168.0.0", 16);
lan.addSubnet("100.64.0.0", 10);
lan.addSubnet("fc00::", 7, "ipv6");

/** Whether a rule's name may lead to an address. A name in public must not lead into this machine or its network. */
export function mayConnect(rule: Rule, address: string): boolean {
  if (isIP(rule.host) !== 0) return true;
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  const family = isIP(plain) === 6 ? "ipv6" : "ipv4";
  if (own.check(plain, family)) return false;
  return rule.local || !lan.check(plain, family);
}
