import type { OperationKind } from "../change.ts";
import type { FirewallRuleOperation } from "../system-operations.ts";
import { directory } from "./directory.ts";
import { file } from "./file.ts";
import { together } from "./together.ts";

/** What the role `firewall` has: the folder of rules, the unit that loads them, and the check that what is loaded is what was. */
export const firewallPlaces = {
  folder: "/etc/olympus/firewall.d",
  table: "inet olympus",
  unit: "olympus-firewall.service",
  sum: "/run/olympus-firewall.sum",
} as const;

/** Exit code 0: no firewall of ours there, or loaded as it was written. */
export const firewallLoaded = `[ ! -f /etc/systemd/system/${firewallPlaces.unit} ] || [ "$(nft -s list table ${firewallPlaces.table} | sha256sum)" = "$(cat ${firewallPlaces.sum})" ]`;

const loadedKey = "firewall-loaded";

/** The rule as nft reads it. Ports are those that were asked for, before Docker sent a published one on to a container. */
export function ruleText({ name, chain, protocol, ports = [], peers, except }: FirewallRuleOperation): string {
  const set = (values: readonly (string | number)[]): string => `{ ${values.join(", ")} }`;
  const side = chain === "in" ? "saddr" : "daddr";
  return [
    `add rule ${firewallPlaces.table} ${chain}`,
    ...(peers === undefined ? [] : [`ip ${side} ${set(peers)}`]),
    ...(except === undefined ? [] : [`ip ${side} != ${set(except)}`]),
    ...(protocol === undefined ? [] : [`meta l4proto ${protocol}`]),
    ...(ports.length === 0 ? [] : [`ct original proto-dst ${set(ports)}`]),
    `accept comment "${name}"`,
  ].join(" ");
}

const fileOf = (operation: FirewallRuleOperation) => ({
  kind: "file" as const,
  id: operation.id,
  path: `${firewallPlaces.folder}/${operation.name}.nft`,
  content: `${ruleText(operation)}\n`,
});

const foldersOf = ({ id }: FirewallRuleOperation) =>
  ["/etc/olympus", firewallPlaces.folder].map((path) => ({ kind: "directory" as const, id, path }));

export const firewallRule: OperationKind<FirewallRuleOperation> = {
  needs: (operation) => [
    ...foldersOf(operation).flatMap((one) => directory.needs(one)),
    ...file.needs(fileOf(operation)),
    { fact: "command", key: loadedKey, script: firewallLoaded },
    { fact: "unit", name: firewallPlaces.unit },
  ],

  plan(operation, facts) {
    const written = file.plan(fileOf(operation), facts);
    const there = facts.units[firewallPlaces.unit]?.load === "loaded";
    const loaded = facts.commands[loadedKey] !== 1;
    if (written === undefined && loaded) return undefined;
    const load = {
      summary: "load",
      script: ":",
      restarts: there ? [firewallPlaces.unit] : [],
      records: [
        {
          resource: `firewall:${operation.name}`,
          undo: {
            do: "command" as const,
            summary: `firewall: load without ${operation.name}`,
            script: `drop_settings ${firewallPlaces.unit}`,
          },
        },
      ],
    };
    const what = written === undefined ? "load again" : written.summary.endsWith("create") ? "let through" : "change";
    return together(`firewall rule ${operation.name}: ${what}`, [
      ...foldersOf(operation).map((one) => directory.plan(one, facts)),
      load,
      written,
    ]);
  },

  claims: (operation) => [
    ...foldersOf(operation).flatMap((one) => directory.claims(one)),
    ...file.claims(fileOf(operation)),
    `firewall:${operation.name}`,
  ],
};
