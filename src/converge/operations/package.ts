import { isDeepStrictEqual } from "node:util";
import type { Change, OperationKind } from "../change.ts";
import { holdClaim, packageClaim } from "../claim-names.ts";
import type { Facts } from "../facts.ts";
import type { FileOperation, Operation, PackageOperation } from "../operations.ts";
import { quote, quoteAll } from "../quote.ts";
import { file, planFile } from "./file.ts";
import { together } from "./together.ts";

/** Keeps apt to one version: over 1000 it would even go back to it. */
function pinsOf({ id, versions = {} }: PackageOperation): FileOperation[] {
  return Object.entries(versions).map(([name, version]) => ({
    kind: "file",
    id,
    path: `/etc/apt/preferences.d/olympus-${name}`,
    content: `Package: ${name}\nPin: version ${version}\nPin-Priority: 1001\n`,
  }));
}

/**
 * The same operations, where those that follow one another and wish for packages in any version are one: apt takes about as long for ten
 * as for one. Named as the first of them.
 */
export function installedTogether(operations: readonly Operation[]): Operation[] {
  const joined: Operation[] = [];
  for (const operation of operations) {
    const last = joined.at(-1);
    if (last?.kind === "package" && operation.kind === "package" && alike(last, operation)) {
      joined[joined.length - 1] = { ...last, names: [...new Set([...last.names, ...operation.names])] };
    } else joined.push(operation);
  }
  return joined;
}

/** Whether nothing but names tells them apart. Versions and holds are kept by an operation of their own. */
function alike(one: PackageOperation, other: PackageOperation): boolean {
  const rest = ({ id: _id, names: _names, ...more }: PackageOperation) => more;
  return one.versions === undefined && one.hold === undefined && isDeepStrictEqual(rest(one), rest(other));
}

export const packages: OperationKind<PackageOperation> = {
  needs: (operation) => [
    ...operation.names.map((name) => ({ fact: "package" as const, name })),
    ...pinsOf(operation).flatMap((pin) => file.needs(pin)),
  ],

  plan(operation, facts) {
    const parts = [
      ...pinsOf(operation).map((pin, at) => planFile(pin, facts, `pin-${at + 1}`)),
      planInstall(operation, facts),
      planHold(operation, facts),
    ].filter((part) => part !== undefined);
    return together(parts.map(({ summary }) => summary).join("; "), parts);
  },

  claims: (operation) => [
    ...operation.names.map(packageClaim),
    ...Object.keys(operation.versions ?? {}).map((name) => `package-version:${name}`),
    ...(operation.hold === true ? operation.names.map(holdClaim) : []),
    ...pinsOf(operation).flatMap((pin) => file.claims(pin)),
  ],
};

function planInstall(
  { id, names, versions = {}, reset = "purge" }: PackageOperation,
  facts: Facts,
): Change | undefined {
  const missing = names.filter((name) => facts.packages[name] === undefined);
  const others = names.filter((name) => {
    const have = facts.packages[name];
    return have !== undefined && versions[name] !== undefined && versions[name] !== have;
  });
  if (missing.length + others.length === 0) return undefined;
  // The list of packages before tells afterwards which ones came as dependencies.
  const list = `packages-${id}-${missing.join("+")}`.slice(0, 120).replaceAll("/", "-");
  const exact = (name: string): string => (versions[name] === undefined ? name : `${name}=${versions[name]}`);
  return {
    summary: `install ${[...others, ...missing].map(exact).join(", ")}`,
    diff: names.flatMap((name) => {
      const version = versions[name] === undefined ? "" : ` ${versions[name]}`;
      if (missing.includes(name)) return [`+${name}${version}`];
      return others.includes(name) ? [`-${name} ${facts.packages[name]}`, `+${name}${version}`] : [];
    }),
    reaches: ["apt"],
    script: [
      ...(others.length === 0 ? [] : [`change_versions ${quoteAll(others.map(exact))}`]),
      ...(missing.length === 0 ? [] : [`install_packages ${quoteAll([list, ...missing.map(exact)])}`]),
    ].join("\n"),
    records: [
      ...others.map((name) => ({
        resource: `package-version:${name}`,
        undo: {
          do: "command" as const,
          summary: `${name} ${facts.packages[name]} again`,
          script: `drop_version ${quoteAll([name, facts.packages[name]!])}`,
        },
      })),
      ...(missing.length === 0
        ? []
        : [
            {
              resource: `packages:${missing.join(",")}`,
              undo: { do: "packages" as const, names: missing, list, how: reset },
            },
          ]),
    ],
  };
}

function planHold({ names, hold }: PackageOperation, facts: Facts): Change | undefined {
  const free = hold === true ? names.filter((name) => !facts.held.includes(name)) : [];
  if (free.length === 0) return undefined;
  return {
    summary: `hold ${free.join(", ")}`,
    diff: free.map((name) => `+hold ${name}`),
    script: `hold_packages ${quoteAll(free)}`,
    records: free.map((name) => ({
      resource: holdClaim(name),
      undo: { do: "command", summary: `no longer hold ${name}`, script: `drop_hold ${quote(name)}` },
    })),
  };
}
