import { existsSync, readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { projectRoot } from "../base/paths.ts";
import type { LoadedTeam } from "../team/model.ts";
import { parseCidr } from "./addresses.ts";
import { layout } from "./layout.ts";
import { aliasOf } from "./network.ts";
import { run, tryRun } from "./sh.ts";

/** Throws E-LAB-ROOT unless we are root. */
export function requireRoot(what: string): void {
  if (process.getuid?.() === 0) return;
  throw new OlympusError(`${what} needs root: it makes namespaces, mounts inside them, and one network interface`, {
    code: "E-LAB-ROOT",
    exit: exitCodes.usage,
    hint: `sudo ${join(projectRoot, "scripts/olympus")} ${process.argv.slice(2).join(" ")}`,
  });
}

const programs = {
  mmdebstrap: "mmdebstrap",
  slirp4netns: "slirp4netns",
  nft: "nftables",
  ip: "iproute2",
  "ssh-keygen": "openssh-client",
};

/** Throws E-LAB-TOOLS, naming the Debian packages, when a program is missing. */
export function requireTools(): void {
  const folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
  const missing = Object.entries(programs)
    .filter(([program]) => !folders.some((folder) => existsSync(`${folder}/${program}`)))
    .map(([, name]) => name);
  if (missing.length === 0) return;
  throw new OlympusError(`the lab needs programs that are not installed: ${missing.join(", ")}`, {
    code: "E-LAB-TOOLS",
    exit: exitCodes.usage,
    hint: `apt-get install --no-install-recommends ${missing.join(" ")}`,
  });
}

/**
 * Looks for whatever would be in the way of a new lab's network, before anything is changed. Gives the name for this computer's
 * interface: `olylab0`, or the next number when another project's lab, with another network, is up.
 */
export async function checkNetwork(team: LoadedTeam): Promise<string> {
  const wanted = parseCidr(team.team.network.cidr);
  const links = await readLinks();
  const routes = JSON.parse(await run("ip", ["-json", "-4", "route", "show", "table", "all"])) as Route[];
  for (const { dst, dev } of routes) {
    const link = links.find(({ ifname }) => ifname === dev);
    if (dst === "default" || !/^\d/.test(dst) || link?.ifalias === ownAlias()) continue;
    const other = parseCidr(dst);
    // A wider route (a VPN's 10.0.0.0/8) gives way to ours by itself; it is only in the way when it is as narrow.
    if (other.prefix < wanted.prefix || !sameNetwork(other.base, wanted.base, wanted.prefix)) continue;
    const whose = link?.ifalias?.startsWith(aliasPrefix)
      ? `the lab in ${link.ifalias.split(":")[2] ?? "another folder"} is up`
      : "";
    throw new OlympusError(
      `${team.team.network.cidr} cannot be the lab's network: ${dst} is already routed here (${[dev, whose].filter(Boolean).join(", ")})`,
      {
        code: "E-LAB-NETWORK",
        exit: exitCodes.usage,
        where: team.file,
        hint: whose
          ? "Run olympus lab down in that project, or give this lab another network.cidr (a copy of the team file, --team)."
          : "Choose another network.cidr in a copy of the team file, with gateway, resolvers and addresses in it, and give it with --team.",
      },
    );
  }
  for (let n = 0; ; n += 1) {
    const name = `olylab${n}`;
    if (!links.some(({ ifname, ifalias }) => ifname === name && ifalias !== ownAlias())) return name;
  }
}

interface Route {
  readonly dst: string;
  readonly dev?: string;
}

export interface Link {
  readonly ifname: string;
  readonly ifalias?: string;
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

function sameNetwork(a: number, b: number, prefix: number): boolean {
  const mask = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
  return (a & mask) >>> 0 === (b & mask) >>> 0;
}

/** Throws E-PORT-TAKEN, naming who listens, when a port on 127.0.0.1 is not free. */
export async function checkPorts(team: LoadedTeam): Promise<void> {
  for (const port of Object.keys(team.team.lab?.publish ?? {})) {
    const code = await new Promise<string | undefined>((resolve) => {
      const server = createServer();
      server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
      server.listen(Number(port), "127.0.0.1", () => server.close(() => resolve(undefined)));
    });
    if (code === undefined) continue;
    const who = await listenerOf(port);
    throw new OlympusError(`port ${port} on 127.0.0.1 is taken${who === undefined ? "" : ` by ${who}`}`, {
      code: "E-PORT-TAKEN",
      exit: exitCodes.usage,
      where: team.file,
      hint: `Stop it, or publish another port: lab.publish in the team file, given with --team.`,
    });
  }
}

/** `node (process 4711)` */
async function listenerOf(port: string): Promise<string | undefined> {
  const { stdout } = await tryRun("ss", ["-Hltnp", `sport = :${port}`]);
  const found = /users:\(\("([^"]+)",pid=(\d+)/.exec(stdout);
  return found ? `${found[1]} (process ${found[2]})` : undefined;
}

/** Throws E-LAB-DISK when the disk is nearly full, and E-LAB-OVERLAY where machines could not keep what they write. */
export async function checkDisk(dir: string): Promise<void> {
  const { bavail, bsize, type } = await statfs(dir);
  const free = Math.round((Number(bavail) * Number(bsize)) / 2 ** 30);
  if (free < 4) {
    throw new OlympusError(`${free} GB are free where the lab keeps its machines; it needs 4, and VMs more`, {
      code: "E-LAB-DISK",
      exit: exitCodes.usage,
      where: dir,
      hint: "Make room, or set OLYMPUS_STATE to a folder on another disk.",
    });
  }
  const overlayfs = 0x794c7630;
  if (type === overlayfs && readFileSync("/proc/filesystems", "utf8").includes("overlay")) {
    throw new OlympusError(
      "the lab's folder is itself on an overlay (a container?), and overlays cannot be stacked for writing",
      {
        code: "E-LAB-OVERLAY",
        exit: exitCodes.usage,
        where: dir,
        hint: "Set OLYMPUS_STATE to a folder on a real disk or a volume.",
      },
    );
  }
}
