import { exitCodes, OlympusError } from "../base/errors.ts";
import type { LoadedTeam } from "../team/model.ts";
import { parseCidr } from "./addresses.ts";
import { layout } from "./layout.ts";
import { aliasOf } from "./network.ts";
import { isInstalled } from "./preflight.ts";
import { run } from "./sh.ts";

export interface Link {
  readonly ifname: string;
  readonly ifalias?: string;
}

export interface Route {
  readonly dst: string;
  readonly dev?: string;
}

const aliasPrefix = "olympus-lab:";

/** What this lab's interface is marked with. */
export function ownAlias(): string {
  return aliasOf(layout.lab, layout.dir);
}

/** Every network interface of this computer with its alias. */
export async function readLinks(): Promise<Link[]> {
  return JSON.parse(await run("ip", ["-json", "link", "show"])) as Link[];
}

/** `olylab0`, or the next number when another project's lab, with another network, is up. */
export async function freeInterface(): Promise<string> {
  const links = await readLinks();
  for (let n = 0; ; n += 1) {
    const name = `olylab${n}`;
    if (!links.some(({ ifname, ifalias }) => ifname === name && ifalias !== ownAlias())) return name;
  }
}

/** E-LAB-NETWORK when somebody else's route leads to the lab's network. Nothing where `ip` is not installed yet. */
export async function networkObstacles(team: LoadedTeam): Promise<OlympusError[]> {
  if (!isInstalled("ip")) return [];
  const routes = JSON.parse(await run("ip", ["-json", "-4", "route", "show", "table", "all"])) as Route[];
  return routeObstacles(team, routes, await readLinks());
}

/** Pure: the first of `routes` that is in the way. */
export function routeObstacles(team: LoadedTeam, routes: readonly Route[], links: readonly Link[]): OlympusError[] {
  const { cidr } = team.team.network;
  const wanted = parseCidr(cidr);
  for (const { dst, dev } of routes) {
    const link = links.find(({ ifname }) => ifname === dev);
    if (dst === "default" || !/^\d/.test(dst) || link?.ifalias === ownAlias()) continue;
    const other = parseCidr(dst);
    // A wider route (a VPN's 10.0.0.0/8) gives way to ours by itself; it is only in the way when it is as narrow.
    if (other.prefix < wanted.prefix || !sameNetwork(other.base, wanted.base, wanted.prefix)) continue;
    const whose = link?.ifalias?.startsWith(aliasPrefix)
      ? `the lab in ${link.ifalias.split(":")[2] ?? "another folder"} is up`
      : "";
    return [
      new OlympusError(
        `${cidr} cannot be the lab's network: ${dst} is already routed here (${[dev, whose].filter(Boolean).join(", ")})`,
        {
          code: "E-LAB-NETWORK",
          exit: exitCodes.usage,
          where: team.file,
          hint: whose
            ? "Run npx olympus lab down in that project, or give this lab another network.cidr (a copy of the team file, --team)."
            : "Choose another network.cidr in a copy of the team file, with gateway, resolvers and addresses in it, and give it with --team.",
        },
      ),
    ];
  }
  return [];
}

function sameNetwork(a: number, b: number, prefix: number): boolean {
  const mask = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
  return (a & mask) >>> 0 === (b & mask) >>> 0;
}
