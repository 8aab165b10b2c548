/** Where a machine stands in the network. */
export interface NetworkSpec {
  /** `52:54:00:…`, lower case. */
  readonly mac: string;
  readonly address: string;
  /** Network in CIDR form; only the prefix length is used. */
  readonly cidr: string;
  readonly gateway: string;
  readonly resolvers: readonly string[];
  readonly domain: string;
}

/** cloud-init's network-config, version 2: one interface, found by its MAC whatever the kernel calls it. */
export function networkConfig(spec: NetworkSpec): Record<string, unknown> {
  return {
    version: 2,
    ethernets: {
      eth0: {
        match: { macaddress: spec.mac },
        "set-name": "eth0",
        dhcp4: false,
        dhcp6: false,
        addresses: [`${spec.address}/${spec.cidr.split("/")[1]}`],
        routes: [{ to: "0.0.0.0/0", via: spec.gateway }],
        nameservers: { addresses: [...spec.resolvers], search: [spec.domain] },
      },
    },
  };
}
