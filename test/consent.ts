import { type ExitCode, exitCodes, messageOf } from "../src/base/errors.ts";
import { cacheDir, runtimeDir, stateRoot } from "../src/base/paths.ts";
import { plural } from "../src/base/plural.ts";
import { debianPackages, missingPackages } from "../src/prerequisites/packages.ts";
import type { suites } from "./suites.ts";

type Suite = keyof typeof suites;

/** About how long a suite that uses root's rights takes on two cores with filled caches; docs/reference/benchmarks.md. */
const lengths: Partial<Record<Suite, string>> = {
  contract: "12 minutes",
  e2e: "half an hour",
  long: "several hours",
  all: "three quarters of an hour",
};

/** Suites on real parts, made in namespaces. `elsewhere` runs only what a person named. */
export const usesRoot = (wanted: Suite): boolean => lengths[wanted] !== undefined;

/** Pure: what a suite does with root's rights, for a person. `missing` are the Debian packages that it would install. */
export function rootLines(wanted: Suite, missing: readonly string[]): string[] {
  const packages =
    missing.length === 0
      ? "no Debian package is missing"
      : `apt: ${plural(missing.length, "Debian package")} (${missing.join(" ")})`;
  return [
    `scripts/test ${wanted}: real parts, on this computer`,
    `  with root   ${packages}; services, lab machines and networks in namespaces of their own, gone after each test`,
    `  writes      ${cacheDir()}, ${stateRoot()}, while it works ${runtimeDir()} and temporary folders`,
    "              where tools must be built, Go's own caches too (~/go, ~/.cache/go-build, ~/.config/go)",
    `  takes       about ${lengths[wanted]} on two cores; tools and images that are not there yet, 20 minutes more, once`,
    "  untouched   firewall, sysctls, clock, other VMs",
  ];
}

export interface Asking {
  readonly isRoot: boolean;
  readonly tell: (line: string) => void;
  /** Asks y/N; rejects where nobody can be asked or the question was not answered. */
  readonly confirm: (question: string) => Promise<boolean>;
  readonly missing?: () => Promise<readonly string[]>;
}

/**
 * Before a suite begins, once for all that it is made of: refuses who has not root's rights where it needs them, tells what it does with
 * them and asks. `done` where it may begin.
 */
export async function mayBegin(
  wanted: Suite,
  { isRoot, tell, confirm, missing = testPackages }: Asking,
): Promise<ExitCode> {
  if (!usesRoot(wanted)) return exitCodes.done;
  if (!isRoot) {
    tell(`scripts/test ${wanted} needs root: services, namespaces and mounts. Nothing was begun.`);
    tell(`  do   sudo scripts/test ${wanted}, or without root: scripts/test unit, scripts/test check`);
    return exitCodes.usage;
  }
  for (const line of rootLines(wanted, await missing())) tell(line);
  try {
    if (await confirm("So far, beside npm packages, nothing has been changed. Continue?")) return exitCodes.done;
  } catch (error) {
    tell(messageOf(error));
    tell("  do   scripts/test --yes agrees, and so does CI=true");
  }
  tell("not agreed to: no test was run");
  return exitCodes.confirmation;
}

function testPackages(): Promise<string[]> {
  const { lab, tools, unit, tests } = debianPackages;
  return missingPackages([...new Set([...lab, ...tools, ...unit, ...tests])]);
}
