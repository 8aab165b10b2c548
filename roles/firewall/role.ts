import { z } from "zod";
import { firewallLoaded, firewallPlaces } from "../../src/converge/operations/firewall-rule.ts";
import type { Operation } from "../../src/converge/operations.ts";
import type { FirewallRuleOperation } from "../../src/converge/system-operations.ts";
import { defineRole } from "../../src/converge/types.ts";
import { adminNetworks } from "../../src/team/connectivity.ts";
import { githubNetworks, type Rule, rulesOf } from "./rules.ts";
import { tableFile, tableText, unitText } from "./table.ts";

const network = z.union([z.cidrv4(), z.ipv4()], { error: "Write an address or a network." });

const params = z.strictObject({
  /** Also what the host itself begins is closed, unless a row of the matrix opens it. */
  egress: z.boolean().default(true),
  /** IPv4 networks that git at GitHub answers from. */
  github: z.array(network).min(1).default(githubNetworks),
});

interface Inputs {
  /** From where SSH is always let in, and its port here. */
  readonly admin: readonly string[];
  readonly port: number;
  readonly rules: readonly Rule[];
  /** It carries machines: what passes through it is their business. */
  readonly routes: boolean;
}

const { unit, table } = firewallPlaces;

export const role = defineRole<z.output<typeof params>, Inputs>({
  name: "firewall",
  summary: "lets through what the team's connectivity matrix opens, and nothing else",
  requires: [],
  params,

  inputs({ team, host, hosts }, { github }) {
    return {
      admin: adminNetworks(team),
      port: host.port,
      rules: rulesOf(team, host, hosts, github),
      routes: host.kind === "hypervisor",
    };
  },

  setup({ admin, port, rules, routes }, { egress }): Operation[] {
    const guarded = { access: true, restarts: [unit] } as const;
    const allow = (rule: Rule): FirewallRuleOperation => ({
      kind: "firewall-rule",
      id: `${rule.chain}-${rule.name}`,
      ...rule,
      name: `${rule.chain}-${rule.name}`,
      access: true,
    });
    return [
      { kind: "package", id: "package", names: ["nftables"] },
      // First, so that they stand before anything could close the way.
      allow({ chain: "in", name: "admin-ssh", protocol: "tcp", ports: [port], peers: admin }),
      ...rules.filter(({ chain }) => egress || chain === "in").map(allow),
      { kind: "file", id: "table", path: tableFile, content: tableText({ egress, routes }), ...guarded },
      { kind: "unit", id: "unit", name: unit, content: unitText, enabled: true, access: true },
      {
        kind: "command",
        id: "loaded",
        summary: "load the firewall, all of it in one step",
        check: `systemctl -q is-active ${unit} && ${firewallLoaded}`,
        apply: `reload; systemctl restart ${unit}`,
        undo: `if nft list table ${table} >/dev/null 2>&1; then nft delete table ${table}; fi; rm -f ${firewallPlaces.sum}`,
        access: true,
      },
    ];
  },
});
