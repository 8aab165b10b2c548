import type { Host } from "./hosts.ts";

/** What a machine runs, by the name of its image: `debian-12` or `ubuntu-24.04`. Undefined where the name does not say. */
export function distributionOf({ machine }: Pick<Host, "machine">): string | undefined {
  const [name, debian, year, month] =
    /^(?:debian-(\d\d)|ubuntu-(\d\d)\.?(\d\d))(?!\d)/.exec(machine?.image ?? "") ?? [];
  if (name === undefined) return undefined;
  return debian === undefined ? `ubuntu-${year}.${month}` : `debian-${debian}`;
}
