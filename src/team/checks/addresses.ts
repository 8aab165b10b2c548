import { asMap, asText, type Draft } from "../draft.ts";
import { addressNumber, addressText, type Network, networkOf, usableIn } from "../ipv4.ts";
import type { Problem } from "../problems.ts";
import type { Path } from "../source.ts";

interface Claim {
  readonly name: string;
  readonly path: Path;
  readonly text: string;
  readonly number: number;
}

/** Addresses outside the network, on its gateway or ends, or given twice; targets of `lab.publish`. */
export function checkAddresses(draft: Draft): Problem[] {
  const settings = asMap(draft.raw.network);
  const cidr = asText(settings.cidr);
  const network = cidr === undefined ? undefined : networkOf(cidr);
  const gateway = claim("the gateway", ["network", "gateway"], settings.gateway);
  const machines = (["hypervisors", "agents", "services"] as const).flatMap((section) =>
    draft.section(section).map(([name, entry]) => claim(name, [section, name, "address"], entry.address)),
  );
  const claims = machines.flat();

  const owners = new Map<number, Claim>();
  for (const one of [...gateway, ...claims]) if (!owners.has(one.number)) owners.set(one.number, one);
  const free = (after: number): string => {
    if (network === undefined) return "";
    const next = nextFree(network, owners, after);
    return next === undefined ? " The network is full." : ` The next free one is ${next}.`;
  };

  return [
    ...networkProblems(cidr, network, gateway),
    ...claims.flatMap((one): Problem[] => {
      const base = { code: "E-TEAM-ADDRESS", path: one.path } as const;
      const owner = owners.get(one.number);
      if (owner !== undefined && owner !== one) {
        return [
          owner.name === "the gateway"
            ? { ...base, message: `${one.text} is the network's gateway`, fix: `Take another.${free(one.number)}` }
            : {
                ...base,
                code: "E-TEAM-DUPLICATE",
                message: `${one.text} is ${owner.name}'s address already`,
                fix: `Take another.${free(one.number)}`,
              },
        ];
      }
      if (network === undefined || usableIn(network, one.number)) return [];
      if (one.number === network.first)
        return [{ ...base, message: `${one.text} is the network itself`, fix: `Take another.${free(one.number)}` }];
      if (one.number === network.last)
        return [
          { ...base, message: `${one.text} is the broadcast address`, fix: `Take another.${free(network.first)}` },
        ];
      return [{ ...base, message: `${one.text} is outside ${cidr}`, fix: `Take one inside.${free(network.first)}` }];
    }),
    // What is published may be the address that could not be read.
    ...(machines.some((found) => found.length === 0) ? [] : publishProblems(draft, claims)),
  ];
}

function claim(name: string, path: Path, value: unknown): Claim[] {
  const text = asText(value);
  const number = text === undefined ? undefined : addressNumber(text);
  return text === undefined || number === undefined ? [] : [{ name, path, text, number }];
}

function networkProblems(cidr: string | undefined, network: Network | undefined, gateway: readonly Claim[]): Problem[] {
  if (cidr === undefined || network === undefined) return [];
  const problems: Problem[] = [];
  const own = `${addressText(network.first)}/${cidr.split("/")[1]}`;
  if (own !== cidr)
    problems.push({
      code: "E-TEAM-ADDRESS",
      path: ["network", "cidr"],
      message: `${cidr} is an address in a network, not a network`,
      fix: `Write ${own}.`,
    });
  for (const { text, number } of gateway) {
    if (usableIn(network, number)) continue;
    problems.push({
      code: "E-TEAM-ADDRESS",
      path: ["network", "gateway"],
      message: `the gateway ${text} is outside ${cidr}`,
      fix: `Take one inside, such as ${addressText(network.first + 1)}.`,
    });
  }
  return problems;
}

function nextFree(network: Network, owners: ReadonlyMap<number, Claim>, after: number): string | undefined {
  for (let number = Math.max(after, network.first) + 1; number < network.last; number += 1) {
    if (!owners.has(number)) return addressText(number);
  }
  return undefined;
}

function publishProblems(draft: Draft, claims: readonly Claim[]): Problem[] {
  return Object.entries(asMap(asMap(draft.raw.lab).publish)).flatMap(([port, target]): Problem[] => {
    const text = asText(target);
    const address = text?.split(":")[0];
    if (address === undefined || claims.some((one) => one.text === address)) return [];
    return [
      {
        code: "E-TEAM-REF",
        path: ["lab", "publish", port],
        message: `${address} is no machine's address`,
        fix: `Write one of ${claims.map((one) => `${one.text} (${one.name})`).join(", ")}.`,
      },
    ];
  });
}
