import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheDir } from "../base/paths.ts";
import type { LoadedTeam } from "../team/model.ts";
import type { AptCacheOptions } from "./apt-cache.ts";
import { type Hierarchies, makeGroups } from "./cgroups.ts";
import type { Network } from "./network.ts";
import type { ProcessId } from "./processes.ts";
import { spawnDetached } from "./spawn.ts";

/** What the lab's own server process does. */
export interface ServicesSettings {
  /** Hash of the program, so that a newer Olympus starts it anew. */
  readonly program: string;
  /** Ports on 127.0.0.1 -> `address:port` in the lab. */
  readonly publish: Readonly<Record<string, string>>;
  /** Package cache on an address of the gateway, whose namespace `pid` holds. */
  readonly proxy?: AptCacheOptions & { readonly pid: number; readonly host: string; readonly port: number };
}

/** Where guests find the package cache, on the gateway. */
export const proxyPort = 3142;

const here = dirname(fileURLToPath(import.meta.url));

/** Settings as text, to be compared with those of a process that runs. `hosts` may be asked for packages. */
export function servicesSettings(team: LoadedTeam, network: Network, hosts: readonly string[]): string {
  const settings: ServicesSettings = {
    program: programHash(),
    publish: team.team.lab?.publish ?? {},
    ...(hosts.length > 0 && {
      proxy: { dir: cacheDir("apt"), hosts, pid: network.holder.pid, host: network.gateway, port: proxyPort },
    }),
  };
  return JSON.stringify(settings);
}

function programHash(): string {
  const hash = createHash("sha256");
  for (const name of ["services-main.ts", "forward.ts", "apt-cache.ts", "apt-hashes.ts", "listen-in.ts"]) {
    hash.update(readFileSync(join(here, name)));
  }
  return hash.digest("hex").slice(0, 12);
}

/** Starts the process; it listens when this resolves. */
export async function startServices(settings: string, network: Network, hierarchies: Hierarchies): Promise<ProcessId> {
  const groups = await makeGroups(hierarchies, network.lab, "services", { memory: 512, pids: 100 });
  const started = await spawnDetached([process.execPath, "--use-system-ca", join(here, "services-main.ts"), settings], {
    groups,
    log: join(network.dir, "log", "services.log"),
    ...(network.endsWithUs && { endsWithUs: true }),
  });
  return started.process;
}
